import { createHash, randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { decode, type Decoded } from '../../src/backups/decode.ts';
import { libraryOpening } from '../../src/backups/opening.ts';
import { MaintError } from '../../src/base/errors.ts';
import { test, type TestDatabase } from '../support/database.ts';

const PIECE_BYTES = 10_000;
const programs = clientPrograms([], process.env['PATH'], {});
const forever = new AbortController().signal;

function dumpOf({ url }: TestDatabase, ...args: readonly string[]): Buffer {
  const { stdout, status } = spawnSync('pg_dump', ['--format=custom', ...args, url], { maxBuffer: 2 ** 28 });
  expect(status).toBe(0);
  return zstdCompressSync(stdout);
}

async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield Buffer.from(bytes.subarray(at, at + PIECE_BYTES));
}

async function decoded(read: () => AsyncIterable<Buffer>): Promise<Decoded> {
  return decode(
    {
      read,
      through: await libraryOpening(['pg_dump-custom', 'zstd'], { clients: programs, identity: undefined }),
      pgRestore: await programs.find('pg_restore', undefined),
      onBytes: () => undefined,
    },
    forever,
  );
}

const ROWS = `
  CREATE TABLE users AS SELECT n AS id, md5(n::text) AS name FROM generate_series(1, 20000) AS n;
  CREATE TABLE nobody (id int);
  CREATE TABLE events (id int) PARTITION BY HASH (id);
  CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 0);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 1);
  INSERT INTO events SELECT generate_series(1, 1000)`;

describe('decoding', () => {
  test.for([
    ['that maint reads', ['--compress=0']],
    ['that only pg_restore can read', ['--compress=6']],
  ] as const)('an archive %s is hashed and counted', async ([, args], { database }) => {
    await database.query(ROWS);
    const stored = dumpOf(database, ...args);
    const { sha256, rows, fault } = await decoded(() => piecesOf(stored));
    expect(fault).toBeUndefined();
    expect(sha256).toBe(createHash('sha256').update(stored).digest('hex'));
    expect(rows?.get('public.users')).toBe(20_000);
    expect(rows?.get('public.nobody')).toBe(0);
    expect((rows?.get('public.events_0') ?? 0) + (rows?.get('public.events_1') ?? 0)).toBe(1_000);
  });

  test('rows of partitions that are loaded through their root count for the root', async ({ database }) => {
    await database.query(ROWS);
    const stored = dumpOf(database, '--compress=0', '--load-via-partition-root');
    expect((await decoded(() => piecesOf(stored))).rows?.get('public.events')).toBe(1_000);
  });

  test('an archive that pg_restore refuses is at fault, in its words, and is hashed all the same', async () => {
    const stored = zstdCompressSync(randomBytes(3_000_000));
    const { sha256, rows, fault } = await decoded(() => piecesOf(stored));
    expect(fault).toMatch(/^pg_restore ended with exit code 1: .*not appear to be a valid archive/);
    expect(rows).toBeUndefined();
    expect(sha256).toBe(createHash('sha256').update(stored).digest('hex'));
  });

  test('a store that breaks off in the middle is no verdict on the dump, and keeps nobody waiting', async ({
    database,
  }) => {
    await database.query(ROWS);
    const stored = dumpOf(database, '--compress=0');
    const broken = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from(stored.subarray(0, stored.length / 2));
      throw new MaintError('STORE_UNREACHABLE', 'the store is gone');
    };
    await expect(decoded(broken)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  });
});
