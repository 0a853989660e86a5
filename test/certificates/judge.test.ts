import { describe, expect, test } from 'vitest';
import { MaintError } from '../../src/base/errors.ts';
import { DAY_MS } from '../../src/base/units.ts';
import type { Certificate } from '../../src/certificates/certificate.ts';
import { judgeHost, type Answer } from '../../src/certificates/judge-host.ts';
import { judgeReload } from '../../src/certificates/judge-reload.ts';
import { auditCoverage } from '../../src/certificates/audit-coverage.ts';
import { hostsSetting } from '../../src/certificates/host-settings.ts';
import { judgeSerials } from '../../src/certificates/judge-serials.ts';
import { judgeChain, type Chain } from '../../src/certificates/judge.ts';

const NOW = new Date('2026-06-01T12:00:00Z');
const REMEDIES = { renew: undefined, reload: undefined };

/** A certificate with so many days left of its life. */
function certificate(leftDays: number, lifetimeDays: number, changes: Partial<Certificate> = {}): Certificate {
  const notAfter = new Date(NOW.getTime() + leftDays * DAY_MS);
  return {
    name: 'app.example.com',
    subject: 'CN=app.example.com',
    names: ['app.example.com'],
    issuer: 'O=Trust, CN=Trust R1',
    notBefore: new Date(notAfter.getTime() - lifetimeDays * DAY_MS),
    notAfter,
    keyType: 'ec',
    keyBits: 256,
    publicKeyHash: undefined,
    signature: 'sha256WithECDSA',
    fingerprint: `AA:${leftDays}`,
    serial: `01:${leftDays}`,
    isSelfSigned: false,
    ...changes,
  };
}

function chain(...certificates: readonly Certificate[]): Chain {
  return { certificates, spare: [], end: 'trusted', host: 'app.example.com', fitsHost: true, isVerified: true };
}

const GOOD = certificate(80, 90);
const INTERMEDIATE = certificate(700, 1_000, { name: 'Trust R1', fingerprint: 'BB', serial: '02' });
const ROOT = certificate(10, 9_000, { name: 'Trust Root', fingerprint: 'CC', serial: '03', isSelfSigned: true });

describe('a chain', () => {
  test.each<readonly [string, Chain, readonly (readonly [string, string])[]]>([
    ['with time left and nothing wrong', chain(GOOD, INTERMEDIATE), []],
    ['of 90 days with 23 left', chain(certificate(23, 90)), []],
    ['of 90 days with 20 left', chain(certificate(20, 90)), [['warn', 'certificate.expires_soon']]],
    ['of 90 days with 8 left', chain(certificate(8, 90)), [['fail', 'certificate.expires_soon']]],
    ['of 6 days with 60 hours left', chain(certificate(2.5, 6)), []],
    ['of 6 days with 30 hours left', chain(certificate(1.25, 6)), [['warn', 'certificate.expires_soon']]],
    ['of 6 days with 10 hours left', chain(certificate(10 / 24, 6)), [['fail', 'certificate.expires_soon']]],
    ['of a year with 31 days left', chain(certificate(31, 365)), []],
    ['of a year with 29 days left', chain(certificate(29, 365)), [['warn', 'certificate.expires_soon']]],
    ['of a year with 13 days left', chain(certificate(13, 365)), [['fail', 'certificate.expires_soon']]],
    ['of a day, just made', chain(certificate(1, 1)), []],
    ['that is over', chain(certificate(-3, 90)), [['fail', 'certificate.expired']]],
    ['that begins tomorrow', chain(certificate(91, 90)), [['fail', 'certificate.not_yet_valid']]],
    [
      'whose intermediate is over',
      chain(GOOD, { ...INTERMEDIATE, ...dates(-2, 1_000) }),
      [['fail', 'certificate.expired']],
    ],
    [
      'whose intermediate ends soon',
      chain(GOOD, { ...INTERMEDIATE, ...dates(20, 1_000) }),
      [['warn', 'certificate.expires_soon']],
    ],
    ['whose root ends soon, which is no news', chain(GOOD, INTERMEDIATE, ROOT), []],
    [
      'whose root is over',
      chain(GOOD, INTERMEDIATE, { ...ROOT, ...dates(-1, 9_000) }),
      [['fail', 'certificate.expired']],
    ],
    [
      'with something old beside it that nobody needs',
      { ...chain(GOOD), spare: [{ ...INTERMEDIATE, ...dates(-1_000, 2_000) }] },
      [['warn', 'certificate.expired']],
    ],
    [
      'for another host',
      { ...chain(GOOD), host: 'other.example.com', fitsHost: false },
      [['fail', 'certificate.wrong_host']],
    ],
    ['that nobody vouches for', { ...chain(GOOD), end: 'self-signed' }, [['fail', 'certificate.self_signed']]],
    ['under a strange root', { ...chain(GOOD), end: 'unknown-root' }, [['fail', 'certificate.untrusted']]],
    ['with a gap', { ...chain(GOOD), end: 'incomplete' }, [['fail', 'certificate.incomplete']]],
    [
      'that clients do not verify, for another host and self-signed',
      { ...chain(GOOD), fitsHost: false, end: 'self-signed', isVerified: false },
      [
        ['warn', 'certificate.wrong_host'],
        ['warn', 'certificate.self_signed'],
      ],
    ],
    [
      'signed with SHA-1',
      chain(certificate(80, 90, { signature: 'sha1WithRSA' })),
      [['fail', 'certificate.weak_signature']],
    ],
    [
      'whose intermediate is signed with MD5',
      chain(GOOD, { ...INTERMEDIATE, signature: 'md5WithRSA' }),
      [['fail', 'certificate.weak_signature']],
    ],
    ['whose root is signed with SHA-1, which proves nothing', chain(GOOD, { ...ROOT, signature: 'sha1WithRSA' }), []],
    [
      'with a key of 1024 bits',
      chain(certificate(80, 90, { keyType: 'rsa', keyBits: 1_024 })),
      [['fail', 'certificate.weak_key']],
    ],
    ['with a key of 2048 bits', chain(certificate(80, 90, { keyType: 'rsa', keyBits: 2_048 })), []],
    [
      'with a curve of 224 bits',
      chain(certificate(80, 90, { keyType: 'ec', keyBits: 224 })),
      [['fail', 'certificate.weak_key']],
    ],
    ['with Ed25519', chain(certificate(80, 90, { keyType: 'ed25519', keyBits: undefined })), []],
    ['on disk, where nobody has to trust it', { ...chain(GOOD), end: undefined, host: undefined, fitsHost: false }, []],
  ])('%s', (_, judged, expected) => {
    const findings = judgeChain(judged, NOW, REMEDIES);
    expect(findings.map(({ grade, detail }) => [grade, detail])).toEqual(expected);
    for (const { message, remedy } of findings) {
      expect(message).not.toMatch(/\.$/);
      expect(remedy).not.toEqual([]);
    }
  });

  test('names the element that is over', () => {
    const [finding] = judgeChain(chain(GOOD, { ...INTERMEDIATE, ...dates(-2, 1_000) }), NOW, REMEDIES);
    expect(finding?.message).toBe('the intermediate "Trust R1": expired 2 days ago, on 2026-05-30');
  });

  test('is renewed as the configuration says', () => {
    const remedies = { renew: 'certbot renew', reload: 'systemctl reload nginx' };
    const [finding] = judgeChain(chain(certificate(-1, 90)), NOW, remedies);
    expect(finding?.remedy).toEqual(['certbot renew', 'systemctl reload nginx']);
  });
});

describe('a file on disk', () => {
  const reload = { renew: undefined, reload: 'systemctl reload nginx' };

  test('that is newer than what is served was renewed and not reloaded', () => {
    const leaf = certificate(88, 90);
    expect(judgeReload(certificate(12, 90), { path: '/etc/app.pem', leaf }, reload)).toEqual([
      {
        grade: 'fail',
        detail: 'certificate.not_reloaded',
        message: 'renewed, not reloaded: serves the one until 2026-06-13, /etc/app.pem holds the one until 2026-08-28',
        remedy: ['systemctl reload nginx'],
      },
    ]);
  });

  test('that is older is another file', () => {
    const findings = judgeReload(GOOD, { path: '/etc/app.pem', leaf: certificate(12, 90) }, reload);
    expect(findings).toMatchObject([{ grade: 'warn', detail: 'certificate.other_file' }]);
  });

  test('that is served says nothing', () => {
    expect(judgeReload(GOOD, { path: '/etc/app.pem', leaf: GOOD }, reload)).toEqual([]);
  });
});

describe('a host with several addresses', () => {
  const host = { host: 'app.example.com', protocol: 'tls' } as const;
  const answer = (address: string, ...certificates: readonly Certificate[]): Answer => ({
    address,
    served: { version: 'TLSv1.3', old: 'refused', chain: chain(...certificates) },
  });
  const reading = { host, silent: [], disk: undefined, key: [] };

  test('is as bad as its worst address, which is named', () => {
    const answers = [answer('192.0.2.1', GOOD), answer('192.0.2.2', certificate(-1, 90)), answer('192.0.2.3', GOOD)];
    expect(judgeHost({ ...reading, answers }, NOW)).toMatchObject({
      status: 'fail',
      summary: '192.0.2.2: expired 24 h ago, on 2026-05-31',
      detail: 'certificate.expired',
      samples: [
        { name: 'certificate.left', subject: 'host app.example.com:443', value: -86_400, unit: 'seconds' },
        { name: 'certificate.left_share', value: 0, unit: 'ratio' },
      ],
    });
  });

  test('that serve the same says it once', () => {
    const soon = certificate(20, 90);
    const outcome = judgeHost({ ...reading, answers: [answer('192.0.2.1', soon), answer('192.0.2.2', soon)] }, NOW);
    expect(outcome).toMatchObject({ status: 'warn', summary: '20 days left of 90 days (22 %), until 2026-06-21' });
    expect(outcome.remediation).toHaveLength(2);
  });

  test('warns of one that does not answer, but not of a kind of network that this host does not have', () => {
    const answers = [answer('192.0.2.1', GOOD)];
    const dead = new MaintError('TLS_FAILED', '192.0.2.2 port 443: connection refused');
    const far = new MaintError('TLS_FAILED', '2001:db8::1 port 443: no way to its network', { detail: 'tls.no_route' });
    expect(judgeHost({ ...reading, answers, silent: [dead, far] }, NOW)).toMatchObject({
      status: 'warn',
      summary: 'not every address answers: 192.0.2.2 port 443: connection refused',
    });
    expect(judgeHost({ ...reading, answers, silent: [far] }, NOW)).toMatchObject({
      status: 'done',
      summary: '80 days left of 90 days (89 %), until 2026-08-20, from Trust R1',
      facts: { unreachable: ['2001:db8::1 port 443: no way to its network'] },
    });
  });

  test('warns of a protocol that clients no longer accept', () => {
    const old: Answer = { address: '192.0.2.1', served: { version: 'TLSv1.1', old: 'TLSv1.1', chain: chain(GOOD) } };
    expect(judgeHost({ ...reading, answers: [old] }, NOW)).toMatchObject({
      status: 'warn',
      detail: 'certificate.old_protocol',
    });
  });
});

function dates(leftDays: number, lifetimeDays: number): Pick<Certificate, 'notBefore' | 'notAfter'> {
  const { notBefore, notAfter } = certificate(leftDays, lifetimeDays);
  return { notBefore, notAfter };
}

describe('an inventory', () => {
  test('two certificates of one issuer with the same number are a finding, the same one twice is none', () => {
    expect(judgeSerials([GOOD, INTERMEDIATE, GOOD])).toEqual([]);
    expect(judgeSerials([GOOD, { ...GOOD, issuer: 'CN=Other', fingerprint: 'DD' }])).toEqual([]);
    expect(judgeSerials([GOOD, { ...GOOD, name: 'twin', fingerprint: 'DD' }])).toMatchObject([
      {
        grade: 'warn',
        detail: 'certificate.duplicate_serial',
        message: expect.stringContaining('app.example.com, twin'),
      },
    ]);
  });

  test('a host that the configuration talks to by https and that nobody looks at is a finding', () => {
    const places = [
      { where: 'tasks.health.http[0].url', host: 'app.example.com', port: 443 },
      { where: 'alerts.channels[0].url', host: 'hooks.example.com', port: 8443 },
      { where: 'heartbeat.url', host: 'ping.example.com', port: 443 },
    ];
    const hosts = hostsSetting.parse([{ host: 'app.example.com' }]);
    expect(auditCoverage({ places, hosts, ignore: ['ping.example.com'] })).toMatchObject({
      status: 'warn',
      summary: 'nobody looks at the certificate of hooks.example.com:8443, which alerts.channels[0].url talks to',
      detail: 'certificate.uncovered',
      remediation: expect.arrayContaining([expect.stringContaining('{ host: hooks.example.com, port: 8443 }')]),
    });
    expect(auditCoverage({ places: places.slice(0, 1), hosts, ignore: [] })).toMatchObject({ status: 'done' });
  });
});
