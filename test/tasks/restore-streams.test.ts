import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { libpqEnvironment } from '../../src/adapters/connection.ts';
import { listBackups, localStore } from '../../src/backups/repository.ts';
import { fillDatabase } from '../../src/backups/restore-fill.ts';
import { readHead } from '../../src/backups/restore-head.ts';
import { storedDump } from '../../src/backups/stored.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { restoreTest } from '../../src/tasks/restore-test.ts';
import { test, type Vault } from '../support/backups.ts';
import { processes } from '../support/process-table.ts';
import { noDatabase, runTask } from '../support/run-task.ts';

/** Two tables of some 40 MB, and what stands between them in a dump. */
const TWO_LARGE = `
  CREATE TABLE left_one AS SELECT n AS id, repeat(md5(n::text), 10) AS body FROM generate_series(1, 120000) AS n;
  CREATE TABLE small (id bigserial PRIMARY KEY, at timestamptz DEFAULT now());
  INSERT INTO small SELECT FROM generate_series(1, 10);
  CREATE TABLE right_one AS SELECT n AS id, repeat(md5(n::text), 10) AS body FROM generate_series(1, 120000) AS n;
  ALTER TABLE right_one ADD PRIMARY KEY (id);
  ALTER TABLE left_one ADD PRIMARY KEY (id), ADD FOREIGN KEY (id) REFERENCES right_one;
  SELECT lo_from_bytea(0, 'a large object');`;

/** Runs a restore test, and looks meanwhile which lists its programs read. */
async function restored(vault: Vault, jobs: number): Promise<{ outcome: Outcome | undefined; lists: Set<string> }> {
  const scratch = await mkdtemp(join(tmpdir(), 'maint-s-'));
  await chmod(scratch, 0o755);
  const lists = new Set<string>();
  const looking = setInterval(() => {
    for (const { commandLine } of processes())
      if (commandLine.includes(scratch)) for (const [name] of commandLine.matchAll(/stream-\d\.list/g)) lists.add(name);
  }, 20);
  try {
    const settings = { directory: vault.directory, scratch, jobs, amcheck: false };
    const [outcome] = await runTask(restoreTest, settings, { database: noDatabase });
    return { outcome, lists };
  } finally {
    clearInterval(looking);
    await rm(scratch, { recursive: true });
  }
}

test('large tables are restored in streams beside each other, with everything else', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const { outcome, lists } = await restored(vault, 2);
  expect(outcome).toMatchObject({ status: 'done', facts: { rows: 240_010, tables: 3 } });
  expect([...lists].toSorted()).toEqual(['stream-0.list', 'stream-1.list']);
  expect((await restored(vault, 1)).lists.size).toBe(0);
});

test('a dump that was changed is found out by each of the streams', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const [folder = ''] = await vault.backups();
  const [name = ''] = (await readdir(folder)).filter((each) => each.endsWith('.dump.zst'));
  const bytes = await readFile(join(folder, name));
  const at = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await chmod(join(folder, name), 0o600);
  await writeFile(join(folder, name), bytes);
  const { outcome } = await restored(vault, 2);
  expect(outcome?.status).toBe('fail');
  expect(outcome?.summary).toContain('not what was written');
});

/** A frame of zstd that says nothing. @see RFC 8878, section 3.1.2 */
const SKIPPED = Buffer.from('502a4d1800000000', 'hex');

test.for([0, 1])('a dump that stream %d alone read differently is found out', async (odd, { database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const signal = new AbortController().signal;
  const [entry] = await listBackups(localStore(vault.directory), 'app', signal);
  if (entry?.manifest === undefined) throw new Error('there is no backup');
  const { manifest } = entry;
  const clients = clientPrograms([], process.env['PATH'], {});
  const stored = storedDump({ entry, manifest, keys: { clients, identity: undefined } }, signal);
  const head = await readHead(stored);
  await database.query('DROP TABLE left_one, small, right_one; SELECT lo_unlink(oid) FROM pg_largeobject_metadata');
  let stream = -1;
  async function* read(): AsyncGenerator<Buffer> {
    stream += 1;
    const isOdd = stream === odd;
    yield* stored.read();
    if (isOdd) yield Buffer.from(SKIPPED);
  }
  const scratch = await mkdtemp(join(tmpdir(), 'maint-s-'));
  try {
    const server = { clients, environment: libpqEnvironment(database.connection) };
    const dump = { ...stored, read };
    const request = { server, database: database.name, dump, manifest, head, keepsOwners: false, scratch, jobs: 2 };
    const { findings } = await fillDatabase({ ...request, onBytes: () => undefined }, signal);
    expect(stream).toBe(1);
    expect(findings).toMatchObject([{ detail: 'restore.checksum_mismatch' }]);
  } finally {
    await rm(scratch, { recursive: true });
  }
});
