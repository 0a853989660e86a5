import { chmod, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { startCluster } from '../../src/adapters/cluster.ts';
import { openFolderStore } from '../../src/adapters/folder-store.ts';
import { parseConnection, libpqEnvironment } from '../../src/adapters/connection.ts';
import { readReceipts } from '../../src/backups/receipts.ts';
import { readHead } from '../../src/backups/restore-head.ts';
import { checkSchema } from '../../src/backups/restore-schema.ts';
import { storedDump } from '../../src/backups/stored.ts';
import { listBackups, localStore } from '../../src/backups/repository.ts';
import { MaintError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import type { CopyPlace } from '../../src/engine/backup-places.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { restoreTest } from '../../src/tasks/restore-test.ts';
import { test as withVault } from '../support/backups.ts';
import { queryOnce } from '../support/database.ts';
import { noDatabase, runTask, type Around } from '../support/run-task.ts';

interface Fixtures {
  scratch: string;
  offsite: string;
  tried: (settings?: object, around?: Partial<Around>) => Promise<Outcome>;
}

const test = withVault.extend<Fixtures>({
  scratch: async ({ task }, use) => {
    const scratch = await mkdtemp(join(tmpdir(), `s${task.id.length}-`));
    await chmod(scratch, 0o755);
    await use(scratch);
    await rm(scratch, { recursive: true, force: true });
  },
  offsite: async ({ task }, use) => {
    const root = await mkdtemp(join(tmpdir(), `maint-offsite-${task.id}-`));
    await use(root);
    await rm(root, { recursive: true, force: true });
  },
  tried: async ({ vault, scratch, offsite }, use) => {
    await use(async (settings, around) => {
      const [outcome] = await runTask(
        restoreTest,
        { directory: vault.directory, scratch, amcheck: false, ...settings },
        { database: noDatabase, backups: { copies: [placeAt(offsite)] }, ...around },
      );
      expect(await readdir(scratch), 'nothing of the server is left').toEqual([]);
      return outcome ?? never();
    });
  },
});

function never(): never {
  throw new Error('the task had no step');
}

function placeAt(root: string): CopyPlace {
  return {
    name: 'offsite',
    medium: 'disk',
    isOffsite: true,
    immutableForMs: undefined,
    keep: undefined,
    readsBack: true,
    open: () => openFolderStore('offsite', root),
  };
}

const USERS = `CREATE TABLE users (id int PRIMARY KEY, kind varchar CHECK (kind IN ('a', 'b')), at timestamptz DEFAULT now());
               INSERT INTO users SELECT n, 'a' FROM generate_series(1, 100) AS n`;

test('each copy and each age has its turn, and the receipts say which', async ({ database, vault, offsite, tried }) => {
  await database.query(USERS);
  await vault.take();
  await vault.take();
  await cp(join(vault.directory, 'app'), join(offsite, 'app'), { recursive: true });
  for (let round = 0; round < 4; round += 1) expect(await tried()).toMatchObject({ status: 'done' });
  const { receipts } = await readReceipts(vault.directory, 'app');
  expect(receipts.map(({ copy, age }) => `${copy} ${String(age)}`)).toEqual([
    'local newest',
    'offsite newest',
    'local oldest',
    'offsite oldest',
  ]);
});

test('a copy that cannot be reached is said, and the others are tried all the same', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(USERS);
  await vault.take();
  const broken = { ...openFolderStore('offsite', '/'), list: () => Promise.reject(unreachable()) };
  const copies = [{ ...placeAt('/'), open: () => broken }];
  expect(await tried({}, { backups: { copies } })).toMatchObject({
    status: 'warn',
    detail: 'copy.unreachable',
    summary: expect.stringContaining('offsite: the bucket is away'),
    facts: { copy: 'local', rows: 100 },
  });
  const { receipts } = await readReceipts(vault.directory, 'app');
  expect(receipts, 'this backup was restored, whatever else is wrong').toMatchObject([{ verdict: 'pass' }]);
});

function unreachable(): Error {
  return new MaintError('STORE_UNREACHABLE', 'the bucket is away');
}

test('a restore compares every definition, and takes no other wording of the same for a difference', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(`${USERS}; CREATE VIEW recent AS SELECT * FROM users WHERE kind IN ('a', 'b') AND at < now()`);
  await vault.take();
  expect(await tried()).toMatchObject({ status: 'done', facts: { schema: true } });
});

test('a definition that did not come back as it was is named', async ({ database, vault, scratch }) => {
  await database.query(`${USERS}; CREATE INDEX users_kind ON users (kind)`);
  await vault.take();
  const signal = new AbortController().signal;
  const [entry = never()] = await listBackups(localStore(vault.directory), 'app', signal);
  const { manifest = never() } = entry;
  const clients = clientPrograms([], process.env['PATH'], {});
  const head = await readHead(storedDump({ entry, manifest, keys: { clients, identity: undefined } }, signal));
  const headPath = join(scratch, 'head.dump');
  await writeFile(headPath, head?.bytes ?? '');
  const compare = async (): ReturnType<typeof checkSchema> =>
    checkSchema(
      {
        pgRestore: await clients.find('pg_restore', manifest.tools.pgDumpMajor),
        pgDump: await clients.find('pg_dump', manifest.tools.pgDumpMajor),
        headPath,
        environment: libpqEnvironment(parseConnection(new Secret(database.url))),
        skipped: [],
      },
      signal,
    );
  expect(await compare()).toEqual([]);
  await database.query('DROP INDEX users_kind; ALTER TABLE users ALTER COLUMN at DROP DEFAULT; CREATE TABLE more ()');
  expect(await compare()).toMatchObject([
    {
      detail: 'restore.schema_mismatch',
      message: expect.stringMatching(
        /TABLE public\.users is changed.*INDEX public\.users_kind is missing.*TABLE public\.more is unexpected/,
      ),
    },
  ]);
});

test('the application’s own test decides too, and what it says comes with the finding', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(USERS);
  await vault.take();
  const shell = (script: string): object => ({ command: { run: ['sh', '-c', script] } });
  expect(await tried(shell(`test "$(psql "$DATABASE_URL" -Atc 'SELECT count(*) FROM users')" = 100`))).toMatchObject({
    status: 'done',
  });
  expect(await tried(shell('echo 3 migrations are pending >&2; exit 7'))).toMatchObject({
    status: 'fail',
    detail: 'restore.command_failed',
    summary: expect.stringContaining('3 migrations are pending'),
  });
  await expect(tried({ command: { run: ['/nonexistent/smoke'] } })).rejects.toMatchObject({ exitCode: 4 });
  await expect(tried({ command: { run: ['sleep', '60'], timeout: '200ms' } })).rejects.toMatchObject({ exitCode: 4 });
});

test('an upgrade can be rehearsed: the backup of one major version in a server of a newer one', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(USERS);
  await vault.take();
  const clients = clientPrograms([inject('embeddedBinDirectory')], process.env['PATH'], {});
  const outcome = await tried({ serverMajor: 18 }, { clients });
  expect(outcome).toMatchObject({ status: 'done', facts: { serverMajor: 18, rows: 100, schema: false } });
  expect(outcome.summary).toContain('into PostgreSQL 18');
  await expect(tried({ serverMajor: 17 }, { clients })).rejects.toMatchObject({
    code: 'PROGRAM_MISSING',
    hint: expect.stringContaining('postgresql-17'),
  });
  await expect(tried({ serverMajor: 12 }, { clients })).rejects.toMatchObject({ exitCode: 4 });
});

test('an extension can be done without, and what needs it is no judgement of the backup', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(`${USERS}; CREATE EXTENSION citext`);
  await vault.take();
  expect(await tried({ skipExtensions: ['citext'] })).toMatchObject({ status: 'done', facts: { schema: true } });
  await database.query('CREATE TABLE mails (address citext)');
  await vault.take();
  await expect(tried({ skipExtensions: ['citext'], pick: 'newest' })).rejects.toMatchObject({
    code: 'RESTORE_INCONCLUSIVE',
    detail: 'restore.extension_missing',
    message: expect.stringContaining('without citext'),
  });
});

test('a given server gets a database of its own and loses it again; the very source is refused', async ({
  database,
  vault,
  tried,
}) => {
  await database.query(USERS);
  await vault.take();
  const databases = async (): Promise<unknown> =>
    database.query(`SELECT datname FROM pg_database WHERE datname LIKE 'maint_rt_%'`);
  await expect(tried({ server: database.url })).rejects.toMatchObject({ detail: 'restore.same_server' });
  expect(await tried({ server: database.url, sameServer: true })).toMatchObject({
    status: 'done',
    facts: { rows: 100 },
  });
  expect(await databases()).toEqual([]);
  await using other = await startCluster({
    binDirectory: inject('embeddedBinDirectory'),
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
  });
  const elsewhere = await tried({ server: other.url('postgres') });
  expect(elsewhere).toMatchObject({ status: 'done', facts: { serverMajor: 18 } });
  expect(await queryOnce(other.url('postgres'), 'SELECT count(*)::int AS count FROM pg_database')).toEqual([
    { count: 3 },
  ]);
});
