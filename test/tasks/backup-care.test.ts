import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished } from 'vitest';
import type { ClientPrograms } from '../../src/adapters/client-programs.ts';
import { startCluster } from '../../src/adapters/cluster.ts';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openFolderStore } from '../../src/adapters/folder-store.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import type { Manifest } from '../../src/backups/manifest.ts';
import { appendReceipt } from '../../src/backups/receipts.ts';
import { Secret } from '../../src/base/secret.ts';
import { main } from '../../src/cli/main.ts';
import type { CopyPlace } from '../../src/engine/backup-places.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import type { Progress } from '../../src/engine/task.ts';
import { backup } from '../../src/tasks/backup.ts';
import { test, type Vault } from '../support/backups.ts';
import { openApp } from '../support/client.ts';
import { clusterUrl, LIMITS, queryOnce, type TestDatabase } from '../support/database.ts';
import { withFakes } from '../support/fake-program.ts';
import { silentLog } from '../support/log.ts';
import { descendants, until } from '../support/processes.ts';
import { performSteps, planTask, runTask } from '../support/run-task.ts';
import { startStandby } from '../support/standby.ts';
import { makeWorld } from '../support/world.ts';

async function newestManifest(vault: Vault): Promise<Manifest> {
  const folder = (await vault.backups()).at(-1) ?? '';
  return JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
}

describe('a role that may not read everything', () => {
  test('is told all at once by a dry run and by a backup, before anything is touched', async ({ database }) => {
    const role = `${database.name}_r`;
    await database.query(`
      CREATE TABLE invoices (id int); CREATE TABLE payments (id int);
      CREATE TABLE secrets (id int); ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
      CREATE ROLE ${role} LOGIN; GRANT SELECT ON secrets TO ${role}`);
    const cwd = mkdtempSync(join(tmpdir(), 'maint-care-'));
    onTestFinished(async () => {
      rmSync(cwd, { recursive: true });
      await queryOnce(clusterUrl('postgres'), `DROP ROLE ${role}`).catch(() => undefined);
    });
    for (const flags of [['--dry-run'], []]) {
      const world = makeWorld({ cwd, columns: 400, env: { DATABASE_URL: clusterUrl(database.name, role) } });
      expect(await main(['backup', '--directory', join(cwd, 'backups'), ...flags], world)).toBe(4);
      const said = world.out().replaceAll(/\s+/g, ' ');
      expect(said).toContain(`${role} may not read 2 tables: public.invoices, public.payments`);
      expect(said).toContain(`row-level security hides rows of 1 table from ${role}: public.secrets`);
      expect(said).toContain(`→ GRANT SELECT ON TABLE public.invoices, public.payments TO ${role};`);
      expect(said).toContain(`→ ALTER ROLE ${role} BYPASSRLS;`);
      expect(() => rmSync(join(cwd, 'backups'))).toThrow('ENOENT');
    }
  });
});

describe('a session that waits for the dump', () => {
  const ROWS = `CREATE TABLE users AS SELECT n AS id, md5(n::text) AS name FROM generate_series(1, 50000) AS n`;
  /** The dump stands still meanwhile, for nobody reads what pg_dump writes. */
  const SLOW = { zstd: 'sleep 4\nexec "$REAL" "$@"' };

  /** Waits until pg_dump copies, and so holds all its locks. */
  async function copying(database: TestDatabase): Promise<void> {
    await until('pg_dump to copy', async () => {
      const rows = await database.query(
        `SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'maint/backup %' AND query LIKE 'COPY%'`,
      );
      return rows.length > 0 ? true : undefined;
    });
  }

  test('is named by the outcome of a backup that went through', async ({ database, vault }) => {
    await database.query(ROWS);
    const taking = vault.take({ yield: { after: '1s' } }, { clients: await withFakes(database.connection, SLOW) });
    await copying(database);
    await using app = await openApp(database.url, 'migrate');
    const altering = app.query(`ALTER TABLE users ADD COLUMN token text DEFAULT 'hunter2'`);
    const outcome = await taking;
    expect(outcome).toMatchObject({
      status: 'warn',
      detail: 'backup.held_up',
      summary: expect.stringMatching(/held up a session for [\d.]+ s: ALTER TABLE users .*application migrate\)$/),
      facts: { waiters: [{ applicationName: 'migrate', pid: app.pid }] },
    });
    expect(JSON.stringify(outcome)).not.toContain('hunter2');
    await altering;
    expect(await vault.backups()).toHaveLength(1);
  });

  test('gets on at once where the backup is to give way, and nothing is left of the backup', async ({
    database,
    vault,
  }) => {
    await database.query(ROWS);
    const clients = await withFakes(database.connection, { zstd: 'sleep 60\nexec "$REAL" "$@"' });
    const taking = vault.take({ yield: { after: '1s', action: 'abort' } }, { clients });
    taking.catch(() => undefined);
    await copying(database);
    await using app = await openApp(database.url, 'migrate');
    await app.query('ALTER TABLE users ADD COLUMN token text');
    await expect(taking).rejects.toMatchObject({ code: 'LOCK_TIMED_OUT', detail: 'backup.yielded', exitCode: 4 });
    expect(await vault.everything()).toEqual([]);
    expect([...descendants('pg_dump'), ...descendants('zstd'), ...descendants('sleep')]).toEqual([]);
    expect((await vault.take()).status).toBe('done');
  });

  test('and that the dump waits for in turn is no fault of the backup', async ({ database, vault }) => {
    await database.query('CREATE TABLE users (id int)');
    await using app = await openApp(database.url, 'migrate');
    await app.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    const clients = await withFakes(database.connection, {
      pg_dump: 'exec "$REAL" "${@/--lock-wait-timeout=60000/--lock-wait-timeout=500}"',
    });
    await expect(vault.take({}, { clients })).rejects.toMatchObject({
      code: 'LOCK_TIMED_OUT',
      detail: 'backup.locked_out',
      message: expect.stringMatching(/in vain for public.users, which another session has locked$/),
    });
    await app.query('ROLLBACK');
    expect(await vault.everything()).toEqual([]);
  });

  test('is no concern of a backup when it waits for less than it may', async ({ database, vault }) => {
    await database.query(ROWS);
    const taking = vault.take({}, { clients: await withFakes(database.connection, SLOW) });
    await copying(database);
    await using app = await openApp(database.url, 'migrate');
    await app.query('ALTER TABLE users ADD COLUMN token text');
    expect(await taking).toMatchObject({ status: 'done', facts: { waiters: [] } });
  });
});

test('on a standby a backup works, and nobody is looked for who could wait for it', async ({ vault }) => {
  const binDirectory = inject('binDirectory');
  await using primary = await startCluster({ binDirectory, parentDirectory: tmpdir(), uid: process.getuid?.() });
  await queryOnce(primary.url('postgres'), 'CREATE TABLE users AS SELECT generate_series(1, 1000) AS id');
  using standby = startStandby(primary, binDirectory);
  const connection = parseConnection(new Secret(standby.url('postgres')));
  const request = { connection, limits: LIMITS, applicationName: 'maint/test' };
  await using reader = openSession({ ...request, mode: 'read-only' });
  await using writer = openSession({ ...request, mode: 'read-write' });
  const said: string[] = [];
  const log = { ...silentLog, warn: (_: object, message: string) => void said.push(message) };
  const around = { connection, clients: await withFakes(connection, { zstd: 'sleep 2\nexec "$REAL" "$@"' }), log };
  const settings = { directory: vault.directory, yield: { after: '1s' } };
  const steps = await planTask(backup, settings, { ...around, database: reader });
  const [outcome] = await performSteps(steps, { ...around, database: writer });
  expect(outcome).toMatchObject({ status: 'done', facts: { rows: 1_000 } });
  expect(said).toEqual([]);
});

describe('a table that lost its rows', () => {
  test('fails the backup, which is kept and flagged until it is acknowledged', async ({ database, vault }) => {
    await database.query('CREATE TABLE users AS SELECT generate_series(1, 1000) AS id');
    expect((await vault.take()).status).toBe('done');
    await database.query('DELETE FROM users WHERE id > 400');
    const failed = await vault.take();
    expect(failed).toMatchObject({
      status: 'fail',
      detail: 'anomaly.rows',
      summary: expect.stringContaining('public.users has 400 rows, 1,000 were usual (-60 %)'),
      facts: { anomalies: [{ table: 'public.users', isSuspicious: true }] },
    });
    const { id, anomalies } = await newestManifest(vault);
    expect(anomalies).toMatchObject([{ detail: 'anomaly.rows', table: 'public.users', isSuspicious: true }]);
    expect(failed.remediation?.join('\n')).toContain(`maint backups ack ${id}`);
    expect(await vault.backups()).toHaveLength(2);
    const removing = await vault.expire({ keep: { last: 1, minVerified: 1 } });
    expect(removing).toMatchObject({ status: 'warn', detail: 'expiry.suspicious' });
    expect(await vault.backups()).toHaveLength(3);
    expect(await vault.take(), 'a suspicious one says nothing of what is usual').toMatchObject({ status: 'fail' });

    const receipt = { kind: 'acknowledge', backup: id, label: 'app', copy: 'local', verdict: 'pass' } as const;
    await appendReceipt(vault.directory, { ...receipt, at: new Date(), facts: {} });
    expect(await vault.take(), 'this is how it is now').toMatchObject({ status: 'done' });
  });

  test('by a quarter is a warning, and none where it may', async ({ database, vault }) => {
    await database.query('CREATE TABLE jobs AS SELECT generate_series(1, 1000) AS id');
    await vault.take();
    await database.query('DELETE FROM jobs WHERE id > 750');
    expect(await vault.take()).toMatchObject({ status: 'warn', detail: 'anomaly.rows' });
    await database.query('DELETE FROM jobs');
    expect(await vault.take({ anomalies: { ignore: ['public.jobs'] } })).toMatchObject({ status: 'done' });
  });

  test('to the next partition is nobody to worry about', async ({ database, vault }) => {
    await database.query(`
      CREATE TABLE events (n int) PARTITION BY RANGE (n);
      CREATE TABLE old PARTITION OF events FOR VALUES FROM (0) TO (1000);
      INSERT INTO events SELECT generate_series(0, 999)`);
    await vault.take();
    await database.query(`
      DROP TABLE old; CREATE TABLE new PARTITION OF events FOR VALUES FROM (1000) TO (2000);
      INSERT INTO events SELECT generate_series(1000, 1990)`);
    expect((await vault.take()).status).toBe('done');
    expect((await newestManifest(vault)).tables).toEqual({
      'public.new': { rows: 991, bytes: 4_955, partitionOf: 'public.events' },
    });
  });
});

test('where the new backup failed, older ones are copied and nothing is removed anywhere', async ({
  database,
  session,
  vault,
}) => {
  await database.query('CREATE TABLE users AS SELECT generate_series(1, 1000) AS id');
  for (const day of [1, 2]) await vault.take({}, { now: () => new Date(`2026-11-0${day}T02:00:00Z`) });
  const folder = mkdtempSync(join(tmpdir(), 'maint-copies-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const keep = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, minVerified: 1 };
  const place = {
    name: 'offsite',
    medium: 'disk',
    isOffsite: true,
    immutableForMs: undefined,
    readsBack: true,
  } as const;
  const offsite = { ...place, open: () => openFolderStore('offsite', folder) };
  const run = (clients: ClientPrograms | undefined, places: readonly CopyPlace[]): Promise<readonly Outcome[]> =>
    runTask(
      backup,
      { directory: vault.directory, keep: { last: 1, minVerified: 1 } },
      { connection: database.connection, database: session, backups: { copies: places }, ...(clients && { clients }) },
    );
  const lossy = await withFakes(database.connection, { zstd: '"$REAL" "$@" | head -c -500\nexit 0' });
  expect(await run(lossy, [{ ...offsite, keep: undefined }])).toMatchObject([
    { status: 'fail', detail: 'verify.undecodable' },
    { status: 'done', facts: { copied: { length: 2 } } },
    { status: 'skip', summary: expect.stringMatching(/^nothing is removed in a run whose backup failed/) },
  ]);
  expect(await run(lossy, [{ ...offsite, keep }])).toMatchObject([
    { status: 'fail' },
    { status: 'skip', facts: { removed: [] } },
    { status: 'skip' },
  ]);
  expect(await run(undefined, [{ ...offsite, keep }])).toMatchObject([
    { status: 'done' },
    { status: 'done', facts: { removed: { length: 2 } } },
    { status: 'done', facts: { removed: { length: 2 } } },
  ]);
});

test('a backup says which databases of the server it does not hold', async ({ database, vault }) => {
  await database.query('CREATE TABLE users (id int)');
  const other = `${database.name}_other`;
  await queryOnce(clusterUrl('postgres'), `CREATE DATABASE ${other}`);
  onTestFinished(() => queryOnce(clusterUrl('postgres'), `DROP DATABASE ${other}`).then(() => undefined));
  expect(await vault.take()).toMatchObject({
    status: 'done',
    facts: { uncovered: expect.arrayContaining([other]) },
  });
  expect((await newestManifest(vault)).excluded).toContain(`the database ${other} of the same server`);
});

test('progress takes the size of the backup before for an estimate, as long as it holds', async ({
  database,
  vault,
}) => {
  await database.query(`CREATE TABLE noise AS SELECT md5(random()::text) AS a FROM generate_series(1, 100000)`);
  const bytes = (await vault.take()).facts?.['bytes'];
  await database.query(`INSERT INTO noise SELECT md5(random()::text) AS a FROM generate_series(1, 100000)`);
  const seen: Progress[] = [];
  await vault.take({}, { onProgress: (progress) => seen.push(progress) });
  const known = seen.filter(({ total }) => total !== undefined);
  expect(known.length).toBeGreaterThan(0);
  expect(new Set(known.map(({ total }) => total))).toEqual(new Set([bytes]));
  expect(seen.every(({ done, total }) => total === undefined || done <= total)).toBe(true);
  expect(seen.at(-1)?.total).toBeUndefined();
});

test('a directory that begins anew although there were backups is said once: its disk may not be mounted', async ({
  database,
  vault,
}) => {
  await database.query('CREATE TABLE users (id int)');
  const history = { samples: () => [{ at: new Date(), value: 1_000 }] };
  expect(await vault.take({}, { history })).toMatchObject({
    status: 'fail',
    detail: 'backup.new_place',
    summary: expect.stringContaining('is its disk mounted?'),
    facts: { rows: 0 },
  });
  expect(await vault.backups()).toHaveLength(1);
  expect(await vault.take({}, { history })).toMatchObject({ status: 'done' });
});
