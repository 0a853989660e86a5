import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { oldVersionsOf } from '../../src/adapters/tls.ts';
import { auditHost } from '../../src/certificates/audit-host.ts';
import { hostsSetting, isVerified } from '../../src/certificates/host-settings.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { openWorkshop, serve, serveFrom, type Made, type Workshop } from '../support/certificates.ts';
import { serveLines } from '../support/line-server.ts';

let workshop: Workshop;
let root: Made;
let leaf: Made;

beforeAll(() => {
  workshop = openWorkshop();
  root = workshop.make({ name: 'Test Root', days: 3_000, isAuthority: true });
  leaf = workshop.make({ name: 'app.test', names: 'DNS:app.test', by: root });
});
afterAll(() => workshop[Symbol.dispose]());

async function audit(port: number, settings: object = {}): Promise<Outcome> {
  const given = { host: 'app.test', address: '127.0.0.1', port, ca: root.certificateFile, ...settings };
  const [host] = hostsSetting.parse([given]);
  if (host === undefined) throw new Error('there is no host');
  return auditHost(host, {
    signal: new AbortController().signal,
    now: () => new Date(),
    timeoutMs: 5_000,
    groupKeys: false,
  });
}

describe('its private key', () => {
  const detailsOf = async (settings: object): Promise<unknown> => {
    await using server = await serve(leaf);
    const { facts = {} } = await audit(server.port, settings);
    return facts['findings'];
  };

  test('that belongs to the certificate says nothing', async () => {
    expect(await detailsOf({ key: leaf.keyFile })).toEqual([]);
    expect(await detailsOf({ key: leaf.keyFile, file: leaf.certificateFile })).toEqual([]);
  });

  test('of another certificate fails, also where the one on disk is not served yet', async () => {
    const renewed = workshop.make({ name: 'app.test', names: 'DNS:app.test', by: root, days: 120 });
    const mismatch = { grade: 'fail', detail: 'certificate.key_mismatch' };
    expect(await detailsOf({ key: renewed.keyFile })).toMatchObject([mismatch]);
    expect(await detailsOf({ key: leaf.keyFile, file: renewed.certificateFile })).toMatchObject([
      { detail: 'certificate.not_reloaded' },
      mismatch,
    ]);
  });

  test('that is missing, or no key, warns', async () => {
    const unread = { grade: 'warn', detail: 'certificate.key_unread' };
    expect(await detailsOf({ key: '/nowhere/app.key' })).toMatchObject([unread]);
    expect(await detailsOf({ key: leaf.certificateFile })).toMatchObject([unread]);
  });
});

describe('versions out of use', () => {
  test.each(['TLSv1', 'TLSv1.1'] as const)(
    'that are taken beside new ones, from %s on, are a finding',
    async (from) => {
      await using server = await serveFrom(from, leaf);
      expect(await audit(server.port)).toMatchObject({
        status: 'warn',
        summary: 'still takes TLSv1.1 beside TLSv1.3, although it is out of use for its weaknesses',
        detail: 'certificate.old_protocol',
        remediation: [expect.stringContaining('ssl_protocols TLSv1.2 TLSv1.3'), expect.any(String)],
        facts: { addresses: [{ version: 'TLSv1.3', oldVersions: 'TLSv1.1' }] },
      });
    },
  );

  test('that are refused are fine', async () => {
    await using server = await serve(leaf);
    expect(await audit(server.port)).toMatchObject({
      status: 'done',
      facts: { addresses: [{ version: 'TLSv1.3', oldVersions: 'refused' }] },
    });
  });
});

test('what a server that falls silent thinks of old versions is not known', async () => {
  await using server = await serveLines({ answer: () => undefined });
  const request = {
    host: 'app.test',
    port: server.port,
    servername: 'app.test',
    protocol: 'tls',
    timeoutMs: 200,
  } as const;
  expect(await oldVersionsOf('127.0.0.1', { ...request, signal: new AbortController().signal })).toBe('unknown');
});

const smtp = (line: string): string | undefined => {
  if (line.startsWith('EHLO')) return '250-mail.example\n250-SIZE 1000\n250 STARTTLS\n';
  if (line === 'STARTTLS') return '220 go ahead\n';
  return undefined;
};
const imap = (line: string): string | undefined => (line === 'a1 STARTTLS' ? 'a1 OK go ahead\n' : undefined);

describe('STARTTLS', () => {
  test.each([
    ['smtp', '220-mail.example\r\n220 ESMTP', smtp],
    ['imap', '* OK [CAPABILITY IMAP4rev1 STARTTLS] ready', imap],
  ] as const)('of %s leads to the certificate, and to the version', async (protocol, greeting, answer) => {
    await using server = await serveLines({ greeting, answer, certificate: leaf });
    expect(await audit(server.port, { protocol })).toMatchObject({
      status: 'done',
      summary: expect.stringMatching(/^90 days left of 90 days .* from Test Root$/),
      facts: {
        protocol,
        addresses: [{ end: 'trusted', oldVersions: 'refused', chain: [{ fingerprint: leaf.x509.fingerprint256 }, {}] }],
      },
    });
  });

  test.each([
    ['smtp', '220 mail.example', (): string => '250 mail.example\n', 'postconf'],
    ['imap', '* OK ready', (): string => 'a1 BAD unknown command\n', 'Dovecot'],
  ] as const)('that %s does not offer is a finding', async (protocol, greeting, answer, command) => {
    await using server = await serveLines({ greeting, answer });
    expect(await audit(server.port, { protocol })).toMatchObject({
      status: 'warn',
      summary: expect.stringContaining('offers no STARTTLS'),
      detail: 'certificate.no_tls',
      remediation: [expect.stringContaining(command), expect.stringContaining(`-starttls ${protocol}`)],
    });
  });

  test.each([
    ['smtp', '554 no service', (): undefined => undefined, 'it does not answer as a mail server does'],
    ['imap', '220 this is SMTP', (): undefined => undefined, 'it does not answer as an IMAP server does'],
    ['smtp', '220 hi', (): string => 'hang up', 'it closed the connection'],
  ] as const)('of a server that speaks no %s could not be found out', async (protocol, greeting, answer, reason) => {
    await using server = await serveLines({ greeting, answer });
    await expect(audit(server.port, { protocol })).rejects.toMatchObject({
      code: 'TLS_FAILED',
      message: expect.stringContaining(reason),
    });
  });

  test('for another name fails where clients look at it', async () => {
    const strange = workshop.make({ name: 'other.test', names: 'DNS:other.test', by: root });
    await using server = await serveLines({ greeting: '220 hi', answer: smtp, certificate: strange });
    expect(await audit(server.port, { protocol: 'smtp' })).toMatchObject({
      status: 'fail',
      detail: 'certificate.wrong_host',
    });
  });

  test('is taken by other mail servers whatever the certificate says, so that is a warning', () => {
    const ports = [25, 465, 587].map((port) => isVerified({ protocol: 'smtp', port }));
    expect(ports).toEqual([false, true, true]);
    expect(isVerified({ protocol: 'imap', port: 143 })).toBe(true);
    expect(isVerified({ protocol: 'postgres', port: 5_432 })).toBe(false);
  });
});
