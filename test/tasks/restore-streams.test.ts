import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { libpqEnvironment } from '../../src/adapters/connection.ts';
import { listBackups, localStore } from '../../src/backups/repository.ts';
import { fillDatabase } from '../../src/backups/restore-fill.ts';
import { readHead } from '../../src/backups/restore-head.ts';
import { storedDump } from '../../src/backups/stored.ts';
import { test } from '../support/backups.ts';
import { clusterUrl } from '../support/database.ts';
import { restored, TWO_LARGE } from '../support/restored.ts';
import { flipBit } from '../support/tampering.ts';

/** Somebody else's server: what lies on this host is not unpacked for it. */
const GIVEN = { server: clusterUrl('postgres'), sameServer: true };

test('large tables are restored in streams beside each other, with everything else', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const { outcome, files } = await restored(vault, { ...GIVEN, jobs: 2 });
  expect(outcome).toMatchObject({ status: 'done', facts: { rows: 240_010, tables: 3 } });
  expect([...files].toSorted()).toEqual(['stream-0.list', 'stream-1.list']);
  expect((await restored(vault, { ...GIVEN, jobs: 1 })).files.size).toBe(0);
});

test('a dump that was changed is found out by each of the streams', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  await flipBit((await vault.backups()).at(-1) ?? '', 0.5);
  const { outcome } = await restored(vault, { ...GIVEN, jobs: 2 });
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
