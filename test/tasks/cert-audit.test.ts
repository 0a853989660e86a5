import { chownSync, copyFileSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { startCluster, type Cluster } from '../../src/adapters/cluster.ts';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession, type Session } from '../../src/adapters/postgres.ts';
import { announce } from '../../src/alerts/announce.ts';
import { memoryAlertStore } from '../../src/alerts/store.ts';
import { Secret } from '../../src/base/secret.ts';
import type { StepReport } from '../../src/engine/report.ts';
import { runTasks } from '../../src/engine/run.ts';
import { certAudit } from '../../src/tasks/cert-audit.ts';
import {
  daysBeforeEnd,
  openWorkshop,
  portOf,
  serve,
  SMALL_RSA,
  type Made,
  type Workshop,
} from '../support/certificates.ts';
import { LIMITS, queryOnce } from '../support/database.ts';
import { silentLog } from '../support/log.ts';
import { startReceiver } from '../support/receiver.ts';
import { reportOf, taskOf } from '../support/reports.ts';
import { noDatabase } from '../support/run-task.ts';
import { sendingFor, settingsFor } from '../support/sending.ts';
import { placesAt } from '../support/backup-places.ts';

let workshop: Workshop;
/** Trusted by whoever is told to, as a company's own authority. */
let root: Made;
let ca: string;

beforeAll(() => {
  workshop = openWorkshop();
  root = workshop.make({ name: 'Test Root', days: 3_000, isAuthority: true });
  ca = root.certificateFile;
});

afterAll(() => workshop[Symbol.dispose]());

interface Audit {
  readonly now?: Date;
  /** Of the database; none is configured where left out. */
  readonly url?: string;
}

/** Runs the task through the real engine. @returns its steps by title */
async function audit(settings: object, { now, url }: Audit = {}): Promise<Readonly<Record<string, StepReport>>> {
  await using reader = url === undefined ? absentSession() : sessionOf(url);
  const [task] = await runTasks({
    tasks: [{ task: certAudit, settings: certAudit.settings.parse(settings), deadlineMs: 30_000 }],
    dryRun: false,
    signal: new AbortController().signal,
    log: silentLog,
    project: 'app',
    backups: placesAt(tmpdir()),
    timezone: 'UTC',
    reader,
    writer: reader,
    clients: clientPrograms([], undefined, {}),
    history: { samples: () => [] },
    observer: { stepStarted: () => undefined, progressed: () => undefined, stepEnded: () => undefined },
    now: () => now ?? new Date(),
    monotonicMs: () => performance.now(),
  });
  return Object.fromEntries((task?.steps ?? []).map((step) => [step.title, step]));
}

function sessionOf(url: string): Session {
  const connection = parseConnection(new Secret(url));
  return openSession({ connection, mode: 'read-only', limits: LIMITS, applicationName: 'maint/cert-audit' });
}

function absentSession(): Session {
  return { ...noDatabase, within: () => noDatabase, [Symbol.asyncDispose]: async () => undefined };
}

/** Audits one server at 127.0.0.1 that is known as `app.test`. */
async function auditServer(port: number, settings: object = {}, now?: Date): Promise<StepReport> {
  const host = { host: 'app.test', address: '127.0.0.1', port, ca, ...settings };
  const [step] = Object.values(await audit({ hosts: [host] }, now === undefined ? {} : { now }));
  if (step === undefined) throw new Error('the audit has no step');
  return step;
}

const issue = (changes: Partial<Parameters<Workshop['make']>[0]> = {}): Made =>
  workshop.make({ name: 'app.test', names: 'DNS:app.test', by: root, ...changes });

describe('a server', () => {
  test('is looked at whole: names, chain, dates, key, signature, fingerprint', async () => {
    const intermediate = workshop.make({ name: 'Test Intermediate', days: 1_000, isAuthority: true, by: root });
    const leaf = issue({ names: 'DNS:app.test,DNS:www.app.test,IP:192.0.2.1', by: intermediate });
    await using server = await serve(leaf, intermediate);
    const step = await auditServer(server.port, { renew: 'certbot', reload: 'systemctl reload nginx' });
    expect(step).toMatchObject({
      title: `host app.test:${server.port} at 127.0.0.1`,
      verdict: 'done',
      summary: expect.stringMatching(
        /^90 days left of 90 days \(100 %\), until \d{4}-\d\d-\d\d, from Test Intermediate$/,
      ),
      facts: {
        host: 'app.test',
        servername: 'app.test',
        renew: 'certbot',
        reload: 'systemctl reload nginx',
        disk: null,
        findings: [],
        addresses: [
          {
            address: '127.0.0.1',
            version: 'TLSv1.3',
            end: 'trusted',
            fitsHost: true,
            chain: [
              {
                subject: 'CN=app.test',
                names: ['app.test', 'www.app.test', '192.0.2.1'],
                issuer: 'CN=Test Intermediate',
                notBefore: leaf.x509.validFromDate.toISOString(),
                notAfter: leaf.x509.validToDate.toISOString(),
                keyType: 'ec',
                keyBits: 256,
                signature: 'sha256WithECDSA',
                fingerprint: leaf.x509.fingerprint256,
                isSelfSigned: false,
              },
              { subject: 'CN=Test Intermediate', issuer: 'CN=Test Root' },
              { subject: 'CN=Test Root', isSelfSigned: true },
            ],
            spare: [],
          },
        ],
      },
      samples: [
        { name: 'certificate.left', unit: 'seconds' },
        { name: 'certificate.left_share', unit: 'ratio' },
      ],
    });
    expect(server.asked).toEqual(['app.test']);
  });

  test('of 90 days warns with 20 left and fails with 8 left', async () => {
    const leaf = issue({ days: 90 });
    await using server = await serve(leaf);
    expect(await auditServer(server.port, {}, daysBeforeEnd(leaf, 30))).toMatchObject({ verdict: 'done' });
    expect(await auditServer(server.port, {}, daysBeforeEnd(leaf, 20))).toMatchObject({
      verdict: 'warn',
      summary: expect.stringMatching(/^20 days left of 90 days \(22 %\), until /),
      detail: 'certificate.expires_soon',
      remediation: [expect.any(String), expect.stringContaining('openssl s_client -connect 127.0.0.1:')],
    });
    expect(await auditServer(server.port, {}, daysBeforeEnd(leaf, 8))).toMatchObject({ verdict: 'fail' });
    expect(await auditServer(server.port, {}, daysBeforeEnd(leaf, -1))).toMatchObject({
      verdict: 'fail',
      detail: 'certificate.expired',
    });
  });

  test('of six days is fine with 60 hours left', async () => {
    const leaf = issue({ days: 6 });
    await using server = await serve(leaf);
    expect(await auditServer(server.port, {}, daysBeforeEnd(leaf, 2.5))).toMatchObject({ verdict: 'done' });
    expect(await auditServer(server.port, {}, daysBeforeEnd(leaf, 1.4))).toMatchObject({ verdict: 'warn' });
  });

  test('with an expired intermediate under a valid leaf fails and names the intermediate', async () => {
    const intermediate = workshop.make({ name: 'Old Intermediate', days: 10, isAuthority: true, by: root });
    const leaf = issue({ days: 90, by: intermediate });
    await using server = await serve(leaf, intermediate);
    expect(await auditServer(server.port, {}, daysBeforeEnd(intermediate, -5))).toMatchObject({
      verdict: 'fail',
      summary: expect.stringMatching(/^the intermediate "Old Intermediate": expired 5 days ago, on /),
      facts: { findings: [{ detail: 'certificate.expired' }] },
    });
  });

  test('may send an old second signature of its root beside the chain, with no more than a warning', async () => {
    const ancient = workshop.make({ name: 'Ancient Root', days: 5, isAuthority: true });
    const second = workshop.make({ name: 'Second Signature', days: 5, isAuthority: true, by: ancient });
    await using server = await serve(issue({ days: 90 }), second);
    expect(await auditServer(server.port, {}, daysBeforeEnd(second, -2))).toMatchObject({
      verdict: 'warn',
      summary: expect.stringMatching(/^the needless "Second Signature": expired 2 days ago/),
      facts: { addresses: [{ end: 'trusted', spare: [{ subject: 'CN=Second Signature' }] }] },
    });
  });

  test('under an authority of its own that is over fails, whoever trusts it', async () => {
    const own = workshop.make({ name: 'Own Root', days: 10, isAuthority: true });
    await using server = await serve(issue({ days: 90, by: own }));
    expect(await auditServer(server.port, { ca: own.certificateFile }, daysBeforeEnd(own, -1.5))).toMatchObject({
      verdict: 'fail',
      summary: expect.stringMatching(/^the root "Own Root": expired 36 h ago/),
    });
  });

  test('that does not send its intermediate has a gap', async () => {
    const intermediate = workshop.make({ name: 'Unsent Intermediate', isAuthority: true, by: root });
    await using server = await serve(issue({ by: intermediate }));
    expect(await auditServer(server.port)).toMatchObject({
      verdict: 'fail',
      summary: expect.stringContaining('CN=Unsent Intermediate'),
      facts: { findings: [{ detail: 'certificate.incomplete' }] },
    });
  });

  test.each<readonly [string, () => Made, readonly string[]]>([
    ['for another host', () => issue({ names: 'DNS:other.test' }), ['certificate.wrong_host']],
    ['without any host name', () => workshop.make({ name: 'app.test', by: root }), ['certificate.wrong_host']],
    [
      'that is self-signed',
      () => workshop.make({ name: 'app.test', names: 'DNS:app.test' }),
      ['certificate.self_signed'],
    ],
    ['signed with SHA-1', () => issue({ digest: 'sha1' }), ['certificate.weak_signature']],
    ['with a key of 1024 bits', () => issue({ key: SMALL_RSA }), ['certificate.weak_key']],
  ])('with a certificate %s fails with a finding of its own', async (_, makeLeaf, details) => {
    await using server = await serve(makeLeaf());
    const step = await auditServer(server.port);
    expect(step).toMatchObject({ verdict: 'fail', facts: { findings: details.map((detail) => ({ detail })) } });
    expect(step.remediation.length).toBeGreaterThan(1);
  });

  test('under a root that this host does not know is not trusted', async () => {
    await using server = await serve(issue(), root);
    expect(await auditServer(server.port, { ca: undefined })).toMatchObject({
      verdict: 'fail',
      detail: 'certificate.untrusted',
    });
  });

  test('that still serves what was renewed on disk fails with the command that reloads it', async () => {
    const [old, renewed] = [issue({ days: 30 }), issue({ days: 90 })];
    const file = workshop.bundle('renewed.pem', renewed, root);
    await using server = await serve(old);
    expect(await auditServer(server.port, { file, reload: 'systemctl reload nginx' })).toMatchObject({
      verdict: 'fail',
      summary: expect.stringMatching(/^renewed, not reloaded: serves the one until .*, \/.*renewed\.pem holds the one/),
      detail: 'certificate.not_reloaded',
      remediation: ['systemctl reload nginx', expect.any(String)],
      facts: { disk: { path: file, fingerprint: renewed.x509.fingerprint256 } },
    });
    await using reloaded = await serve(renewed);
    expect(await auditServer(reloaded.port, { file })).toMatchObject({ verdict: 'done' });
  });

  test('is still looked at where the file on disk cannot be read', async () => {
    await using server = await serve(issue());
    expect(await auditServer(server.port, { file: '/nowhere/app.pem' })).toMatchObject({
      verdict: 'warn',
      detail: 'certificate.file_unread',
      facts: { addresses: [{ end: 'trusted' }] },
    });
  });

  test('is asked at every address that its name has', async () => {
    const addresses = (await lookup('localhost', { all: true })).map(({ address }) => address);
    await using server = await serve(issue({ names: 'DNS:localhost' }));
    const steps = await audit({ hosts: [{ host: 'localhost', port: server.port, ca }] });
    const [step] = Object.values(steps);
    expect(step?.title).toBe(`host localhost:${server.port}`);
    expect(step?.facts).toMatchObject({ addresses: [{ address: '127.0.0.1', end: 'trusted' }] });
    const told = JSON.stringify(step?.facts);
    for (const address of addresses) expect(told).toContain(address);
  });

  test('that is away, silent or speaks no TLS was not found out about', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    const chatty = createServer((socket) => void socket.on('error', () => undefined).end('220 hello\r\n'));
    chatty.listen(0, '127.0.0.1');
    for (const server of [silent, chatty])
      if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
    const steps = await audit({
      timeout: '1s',
      hosts: [
        { host: '127.0.0.1', port: 1 },
        { host: '127.0.0.1', port: portOf(silent.address()) },
        { host: '127.0.0.1', port: portOf(chatty.address()) },
        { host: 'nobody.invalid' },
      ],
    });
    for (const server of [silent, chatty]) server.close();
    expect(Object.values(steps).map(({ verdict, code }) => [verdict, code])).toEqual(
      Array.from({ length: 4 }, () => ['crash', 'TLS_FAILED']),
    );
    expect(Object.values(steps).map(({ summary }) => summary)).toEqual([
      '127.0.0.1 port 1: connection refused',
      expect.stringContaining('no answer within 1.0 s'),
      expect.stringContaining('no TLS is spoken'),
      expect.stringMatching(/^nobody\.invalid: /),
    ]);
  });
});

describe('files', () => {
  test('in a directory are each judged once, whatever else lies there', async () => {
    const live = join(workshop.folder, 'live');
    mkdirSync(join(live, 'app.test'), { recursive: true });
    const intermediate = workshop.make({ name: 'File Intermediate', days: 400, isAuthority: true, by: root });
    const leaf = issue({ by: intermediate });
    copyFileSync(workshop.bundle('archived.pem', leaf, intermediate), join(workshop.folder, 'archive1.pem'));
    symlinkSync(join(workshop.folder, 'archive1.pem'), join(live, 'app.test', 'fullchain.pem'));
    writeFileSync(join(live, 'app.test', 'cert.pem'), leaf.pem);
    writeFileSync(join(live, 'app.test', 'chain.pem'), intermediate.pem);
    writeFileSync(join(live, 'app.test', 'privkey.pem'), leaf.key);
    writeFileSync(join(live, 'README'), 'what certbot writes');
    const file = join(live, 'app.test', 'fullchain.pem');
    const steps = await audit({ files: [live, file] });
    const key = `key ${join(live, 'app.test', 'privkey.pem')}`;
    expect(Object.keys(steps)).toEqual([`file ${file}`, key]);
    expect(steps[key]).toMatchObject({ verdict: 'done', summary: 'belongs to app.test, and is closed to others' });
    expect(JSON.stringify(steps)).not.toContain(leaf.key.split('\n')[1]);
    expect(steps[`file ${file}`]).toMatchObject({
      verdict: 'done',
      summary: expect.stringMatching(/^app\.test: 90 days left of 90 days/),
      facts: { path: file, chain: [{ subject: 'CN=app.test' }, { subject: 'CN=File Intermediate' }] },
    });
    expect(Object.values(await audit({ files: [live] }, { now: daysBeforeEnd(leaf, 8) }))).toMatchObject([
      { verdict: 'fail', remediation: [expect.any(String), expect.stringContaining(`-in '${file}'`)] },
      { verdict: 'done' },
    ]);
  });

  test('that are missing, empty or damaged are told', async () => {
    const [empty, damaged, folder] = ['empty.pem', 'damaged.pem', 'bare'].map((name) => join(workshop.folder, name));
    if (empty === undefined || damaged === undefined || folder === undefined) throw new Error('no names');
    writeFileSync(empty, 'nothing here\n');
    writeFileSync(damaged, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    mkdirSync(folder);
    const steps = await audit({ files: ['/nowhere/app.pem', empty, damaged, folder] });
    expect(Object.values(steps).map(({ verdict, detail, code }) => [verdict, detail ?? code])).toEqual([
      ['crash', 'FILE_UNUSABLE'],
      ['fail', 'certificate.none'],
      ['crash', 'FILE_UNUSABLE'],
      ['warn', null],
    ]);
    expect(Object.values(steps).filter(({ remediation }) => remediation.length === 0)).toEqual([]);
  });
});

test('a hundred runs in a day of warning are told once', async () => {
  await using receiver = await startReceiver();
  const settings = await settingsFor(receiver, { on: 'warn' });
  const store = memoryAlertStore();
  const leaf = issue({ days: 90 });
  for (let number = 0; number < 100; number += 1) {
    const now = new Date(daysBeforeEnd(leaf, 20).getTime() + number * 10 * 60_000);
    const steps = Object.values(await audit({ files: [leaf.certificateFile] }, { now }));
    const run = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
    const report = reportOf([taskOf('cert-audit', ...steps)], { run, startedAt: now.toISOString() });
    expect(report.verdict).toBe('warn');
    await announce({ ...sendingFor(), report, settings, store, secrets: [] });
  }
  expect(receiver.accepted().filter(({ path }) => path === '/hook')).toHaveLength(1);
});

describe('a token', () => {
  const now = new Date('2026-06-01T12:00:00Z');
  const tokens = (expires: string): object => ({
    tokens: [{ name: 'GitHub', expires, renew: 'ask the owner of the org' }],
  });

  test.each([
    ['2026-08-01', 'done', '61 days left, until 2026-08-01'],
    ['2026-06-20', 'warn', '19 days left, until 2026-06-20'],
    ['2026-06-06', 'fail', '5 days left, until 2026-06-06'],
    ['2026-05-30', 'fail', 'expired 3 days ago, on 2026-05-30'],
  ])('until %s is a %s', async (expires, verdict, summary) => {
    const step = (await audit(tokens(expires), { now }))['token GitHub'];
    expect(step).toMatchObject({
      verdict,
      summary,
      facts: { name: 'GitHub', expires },
      concern: { alertClass: 'ticket' },
    });
    expect(step?.remediation[0]).toBe(verdict === 'done' ? undefined : 'ask the owner of the org');
  });
});

describe('settings', () => {
  test('that name nothing lead to a word on what to name', async () => {
    expect(await audit({})).toMatchObject({
      inventory: { verdict: 'skip', summary: expect.stringContaining('tasks.cert-audit') },
    });
  });

  test.each([
    ['a host with a path', { hosts: [{ host: 'app.test/path' }] }],
    ['a host that could be a flag or a command', { hosts: [{ host: '$(id)' }] }],
    ['the same host twice', { hosts: [{ host: 'app.test' }, { host: 'app.test', port: 443 }] }],
    ['an address that is none', { hosts: [{ host: 'app.test', address: 'db1' }] }],
    ['a token without a day', { tokens: [{ name: 'GitHub', expires: 'next spring' }] }],
    [
      'two tokens of one name',
      {
        tokens: [
          { name: 'a', expires: '2030-01-01' },
          { name: 'a', expires: '2031-01-01' },
        ],
      },
    ],
  ])('refuse %s', (_, settings) => {
    expect(certAudit.settings.safeParse(settings).success).toBe(false);
  });
});

describe('the server of the database', () => {
  let cluster: Cluster;
  let port: number;
  let postgresUrl: string;
  let leaf: Made;
  let data: string;

  /** Puts a certificate where the server finds it, owned by whoever owns its files. */
  async function install(made: Made): Promise<void> {
    const { uid, gid } = statSync(join(data, 'PG_VERSION'));
    for (const [name, from] of [
      ['server.crt', made.certificateFile],
      ['server.key', made.keyFile],
    ] as const) {
      writeFileSync(join(data, name), '', { mode: 0o600 });
      copyFileSync(from, join(data, name));
      chownSync(join(data, name), uid, gid);
    }
    await queryOnce(socketUrl(), `ALTER SYSTEM SET ssl = on`);
    await reload();
  }

  async function reload(): Promise<void> {
    await queryOnce(socketUrl(), 'SELECT pg_reload_conf()');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }

  const socketUrl = (): string => `postgres://postgres@/postgres?host=${cluster.socketDirectory}&port=${port}`;

  beforeAll(async () => {
    port = await freePort();
    cluster = await startCluster({
      binDirectory: inject('binDirectory'),
      parentDirectory: tmpdir(),
      uid: process.getuid?.(),
      settings: { listen_addresses: `'127.0.0.1'`, port: String(port) },
    });
    data = join(cluster.directory, 'data');
    postgresUrl = `postgres://nobody_of_this_name@127.0.0.1:${port}/nowhere?sslrootcert=${ca}`;
    leaf = issue({ name: 'db.test', names: 'IP:127.0.0.1' });
  });

  afterEach(async () => {
    await queryOnce(socketUrl(), `ALTER SYSTEM SET ssl = off`);
    await reload();
  });

  afterAll(async () => cluster[Symbol.asyncDispose]());

  test('shows its certificate without a login', async () => {
    await install(leaf);
    const steps = await audit({ postgres: true }, { url: postgresUrl });
    expect(steps).toMatchObject({
      [`postgres 127.0.0.1:${port}`]: {
        verdict: 'done',
        summary: expect.stringMatching(/^90 days left of 90 days .* from Test Root$/),
        facts: {
          protocol: 'postgres',
          addresses: [
            {
              end: 'trusted',
              fitsHost: true,
              oldVersions: 'refused',
              chain: [{ fingerprint: leaf.x509.fingerprint256 }, { subject: 'CN=Test Root' }],
            },
          ],
        },
      },
    });
  });

  test('is judged by the authorities of this host where the database URL says so', async () => {
    await install(leaf);
    const steps = await audit({ postgres: true }, { url: postgresUrl.replace(ca, 'system') });
    expect(Object.values(steps)).toMatchObject([{ verdict: 'warn', detail: 'certificate.incomplete' }]);
  });

  test('with ssl = off is a finding', async () => {
    const steps = await audit({ postgres: true }, { url: postgresUrl });
    expect(steps[`postgres 127.0.0.1:${port}`]).toMatchObject({
      verdict: 'warn',
      detail: 'certificate.no_tls',
      summary: expect.stringContaining('ssl = off'),
      remediation: [expect.any(String), expect.stringContaining('ALTER SYSTEM SET ssl = on'), expect.any(String)],
    });
  });

  test('that was renewed and not reloaded fails; one that nobody vouches for warns', async () => {
    const [alone, renewed] = [
      workshop.make({ name: 'localhost', days: 60 }),
      workshop.make({ name: 'localhost', names: 'DNS:localhost', days: 90 }),
    ];
    await install(alone);
    const host = { host: 'localhost', address: '127.0.0.1', port, protocol: 'postgres' };
    const judged = async (changes: object): Promise<StepReport | undefined> =>
      Object.values(await audit({ hosts: [{ ...host, ...changes }] }))[0];
    expect(await judged({})).toMatchObject({
      verdict: 'warn',
      facts: { findings: [{ grade: 'warn', detail: 'certificate.self_signed' }] },
    });
    expect(await judged({ file: renewed.certificateFile, reload: 'pg_ctl reload' })).toMatchObject({
      verdict: 'fail',
      summary: expect.stringMatching(/^renewed, not reloaded: /),
      remediation: expect.arrayContaining(['pg_ctl reload', expect.stringContaining('-starttls postgres')]),
    });
  });

  test('is named once where it is among the hosts too', async () => {
    const hosts = [{ host: '127.0.0.1', port, protocol: 'postgres', renew: 'the DBA' }];
    const steps = Object.values(await audit({ postgres: true, hosts }, { url: postgresUrl }));
    expect(steps).toMatchObject([{ title: `postgres 127.0.0.1:${port}`, facts: { renew: 'the DBA' } }]);
  });

  test('over a Unix socket has no certificate, and without a database nothing can be found out', async () => {
    expect(Object.values(await audit({ postgres: true }, { url: socketUrl() }))).toMatchObject([
      { title: 'postgres of the database', verdict: 'skip' },
    ]);
    expect(Object.values(await audit({ postgres: true }))).toMatchObject([
      { title: 'postgres of the database', verdict: 'crash', code: 'CONFIG_NOT_FOUND' },
    ]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const port = portOf(server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}
