import { readdirSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Progress } from '../../src/engine/task.ts';
import { test } from '../support/backups.ts';
import { withFakes, withoutZstd } from '../support/fake-program.ts';
import { descendants, until } from '../support/process-table.ts';
import { restored, TWO_LARGE } from '../support/restored.ts';
import { flipBit } from '../support/tampering.ts';

test('a large dump is unpacked beside the throw-away server, once, and loaded from there', async ({
  database,
  vault,
}) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const { outcome, files, commands, left } = await restored(vault, { jobs: 2 });
  expect(outcome).toMatchObject({ status: 'done', facts: { rows: 240_010, tables: 3 } });
  expect([...files]).toEqual(['unpacked.dump']);
  expect([...commands].join('\n')).toContain('--jobs=2 ');
  expect(left).toEqual([]);
});

test('meanwhile the restored database is seen to grow', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const seen: Progress[] = [];
  await restored(vault, { jobs: 2 }, { onProgress: (progress) => seen.push(progress) });
  const sizes = seen.map(({ done }) => done);
  expect(sizes.at(-1)).toBeGreaterThan(50 * 2 ** 20);
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  for (const { total, unit } of seen) expect({ total, unit }).toEqual({ total: expect.any(Number), unit: 'bytes' });
});

test('nobody else can read what is unpacked', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const modes = new Set<string>();
  const looking = setInterval(() => {
    for (const path of scratchFiles('unpacked.dump')) modes.add((statSync(path).mode & 0o777).toString(8));
  }, 20);
  await restored(vault, { jobs: 2 });
  clearInterval(looking);
  expect([...modes]).toEqual(['600']);
});

test('one job, or no program that decompresses: the dump is not unpacked', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const one = await restored(vault, { jobs: 1 });
  expect(one.outcome?.status).toBe('done');
  expect(one.files.size).toBe(0);
  const without = await restored(vault, { jobs: 2 }, { clients: withoutZstd(database.connection) });
  expect(without.outcome?.status).toBe('done');
  expect(without.files.size).toBe(0);
});

test('a dump that was changed is found out, and nothing of it is loaded', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  await flipBit((await vault.backups()).at(-1) ?? '', 0.5);
  const { outcome, files, left } = await restored(vault, { jobs: 2 });
  expect(outcome?.status).toBe('fail');
  expect(outcome?.summary).toContain('not what was written');
  expect(files.size).toBe(0);
  expect(left).toEqual([]);
});

test('a disk that fills while it unpacks says nothing about the backup', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const script = `echo 'zstd: error 70 : Write error : cannot write block : No space left on device' >&2; exit 70`;
  const clients = await withFakes(database.connection, { zstd: script });
  await expect(restored(vault, { jobs: 2 }, { clients })).rejects.toMatchObject({
    code: 'FILE_UNUSABLE',
    message: expect.stringMatching(/^no space is left in .* to unpack the dump$/),
    detail: 'restore.no_space',
  });
});

test('a program that is killed while it unpacks says nothing about the backup', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const clients = await withFakes(database.connection, { zstd: 'kill -KILL $$' });
  await expect(restored(vault, { jobs: 2 }, { clients })).rejects.toMatchObject({
    code: 'RESTORE_INCONCLUSIVE',
    detail: 'stage_failed.zstd',
  });
});

test('nor does one that is killed while several load', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const ending = expect(restored(vault, { jobs: 2 })).rejects.toMatchObject({
    code: 'RESTORE_INCONCLUSIVE',
    message: expect.stringContaining('a process of pg_restore was killed'),
    detail: 'stage_failed.pg_restore',
  });
  await until('several load', () => workers().length === 2);
  process.kill(workers()[0] ?? 0, 'SIGKILL');
  await ending;
});

test('a signal while it unpacks ends it', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const clients = await withFakes(database.connection, { zstd: 'exec sleep 300' });
  const stop = new AbortController();
  const ending = expect(restored(vault, { jobs: 2 }, { clients, signal: stop.signal })).rejects.toThrow('enough');
  while (scratchFiles('unpacked.dump').length === 0) await sleep(10);
  stop.abort(new Error('enough'));
  await ending;
});

test('where there is no server to load it into, nobody waits for the unpacking', async ({ database, vault }) => {
  await database.query(TWO_LARGE);
  await vault.take();
  const clients = await withFakes(database.connection, { zstd: 'exec sleep 300' });
  await expect(restored(vault, { jobs: 2, serverMajor: 99 }, { clients })).rejects.toThrow(
    'no server programs of PostgreSQL 99 were found',
  );
});

/** The processes that one of ours has forked to load tables at the same time. */
function workers(): readonly number[] {
  const loading = descendants(process.pid).filter(({ commandLine }) => commandLine.endsWith('/unpacked.dump'));
  const pids = new Set(loading.map(({ pid }) => pid));
  return loading.filter(({ parent }) => pids.has(parent)).map(({ pid }) => pid);
}

/** Files of that name in the scratch folders of this file's tests. */
function scratchFiles(name: string): readonly string[] {
  return list(tmpdir())
    .filter((folder) => folder.startsWith('maint-s-'))
    .flatMap((folder) => list(join(tmpdir(), folder)).map((inner) => join(tmpdir(), folder, inner)))
    .flatMap((inner) => (list(inner).includes(name) ? [join(inner, name)] : []));
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // It went between the two looks.
    return [];
  }
}
