import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { ClientPrograms } from '../../src/adapters/client-programs.ts';
import { test, type Vault } from '../support/backups.ts';
import type { TestDatabase } from '../support/database.ts';
import { withFakes } from '../support/fake-program.ts';
import { descendants, isAlive, processNamed, until } from '../support/processes.ts';

/** Long enough to be met in the middle. */
const MANY_ROWS = `CREATE TABLE noise AS SELECT md5(random()::text) AS a, md5(random()::text) AS b FROM generate_series(1, 400000)`;

/** Programs of which zstd does not begin before it is told to: whoever wants to can look at everything in between. */
async function withGate({
  database,
  vault,
}: {
  database: TestDatabase;
  vault: Vault;
}): Promise<{ readonly clients: ClientPrograms; open(): Promise<void> }> {
  const gate = join(vault.directory, 'gate');
  const zstd = `until [ -e '${gate}' ]; do sleep 0.02; done\nexec "$REAL" "$@"`;
  return { clients: await withFakes(database.connection, { zstd }), open: () => writeFile(gate, '') };
}

/** Waits until pg_dump copies, and so has taken the snapshot over. */
async function copying(database: TestDatabase): Promise<void> {
  await until('pg_dump to copy', async () => {
    const rows = await database.query(
      `SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'maint/backup %' AND query LIKE 'COPY%'`,
    );
    return rows.length > 0 ? true : undefined;
  });
}

/** A first good backup, whose bytes must be the same afterwards. */
async function firstBackup({
  database,
  vault,
}: {
  database: TestDatabase;
  vault: Vault;
}): Promise<() => Promise<void>> {
  await database.query(MANY_ROWS);
  await vault.take();
  const [folder = ''] = await vault.backups();
  const before = await readFile(join(folder, 'data.dump.zst'));
  return async () => {
    expect(await vault.everything(), 'only the first backup is left').toEqual([
      folder.slice(folder.lastIndexOf('/') + 1),
    ]);
    expect((await readFile(join(folder, 'data.dump.zst'))).equals(before)).toBe(true);
    expect((await vault.verify()).status).toBe('done');
    expect((await vault.take()).status, 'the next run works').toBe('done');
  };
}

describe('killed in the middle', () => {
  test.for(['pg_dump', 'zstd'])(
    '%s takes the whole backup with it, and nothing else',
    async (name, { database, vault }) => {
      const unchanged = await firstBackup({ database, vault });
      const gate = await withGate({ database, vault });
      const taking = vault.take({}, { clients: gate.clients });
      // The fake is bash until it becomes zstd.
      const dumping = await processNamed('pg_dump');
      if (name === 'zstd') await gate.open();
      process.kill(name === 'zstd' ? await processNamed('zstd') : dumping, 'SIGKILL');
      await gate.open();
      await expect(taking).rejects.toMatchObject({
        code: 'PROGRAM_FAILED',
        message: expect.stringMatching(new RegExp(`^${name} ended with signal SIGKILL`)),
      });
      expect([...descendants('pg_dump'), ...descendants('zstd')]).toEqual([]);
      await unchanged();
    },
  );

  test('the session that holds the snapshot takes the backup with it, though the dump itself goes on', async ({
    database,
    vault,
  }) => {
    const unchanged = await firstBackup({ database, vault });
    const gate = await withGate({ database, vault });
    const taking = vault.take({}, { clients: gate.clients });
    await copying(database);
    await until('the session that holds the snapshot to be killed', async () => {
      const killed = await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND state = 'idle in transaction' AND application_name = 'maint/test'`,
      );
      return killed.length > 0 ? true : undefined;
    });
    await gate.open();
    await expect(taking).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await unchanged();
  });

  test('the session of pg_dump names pg_dump and what the server said', async ({ database, vault }) => {
    const unchanged = await firstBackup({ database, vault });
    const gate = await withGate({ database, vault });
    const taking = vault.take({}, { clients: gate.clients });
    await copying(database);
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'maint/backup %' AND query LIKE 'COPY%'`,
    );
    await gate.open();
    await expect(taking).rejects.toMatchObject({
      code: 'PROGRAM_FAILED',
      message: expect.stringMatching(/^pg_dump ended with exit code 1: .*(terminat|clos|lost)/s),
    });
    await unchanged();
  });

  test('maint itself leaves a staging folder that the next run sweeps, and no program running', async ({
    database,
    vault,
  }) => {
    await firstBackup({ database, vault });
    // One dump is killed as soon as it is seen, the others a little further on.
    for (const delayMs of [0, 100, 200, 400]) {
      const script = resolve(import.meta.dirname, '../../bench/backup-once.ts');
      const child = spawn(process.execPath, [script, database.url, vault.directory, '3', 'app'], { stdio: 'ignore' });
      const closed = new Promise((done) => child.once('close', done));
      await until('pg_dump', () => descendants('pg_dump', child.pid)[0]);
      await sleep(delayMs);
      const programs = [...descendants('pg_dump', child.pid), ...descendants('zstd', child.pid)];
      child.kill('SIGKILL');
      await closed;
      await until('the programs to end', () => (programs.some(isAlive) ? undefined : true));
    }
    const visible = (await vault.backups()).length;
    expect((await vault.take()).status).toBe('done');
    expect((await vault.everything()).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(await vault.backups()).toHaveLength(visible + 1);
    expect(await vault.verify({ which: 'all' })).toMatchObject({ status: 'done' });
  });

  test('at random moments, whatever dies, only whole backups appear and the next one works', async ({
    database,
    vault,
  }) => {
    await firstBackup({ database, vault });
    let survived = 0;
    for (let round = 0; round < 8; round += 1) {
      const taking = vault.take().then(
        ({ status }) => status,
        () => 'thrown',
      );
      await processNamed('pg_dump');
      await sleep(Math.random() * 500);
      for (const pid of descendants(round % 2 === 0 ? 'pg_dump' : 'zstd')) process.kill(pid, 'SIGKILL');
      // It may have been over before the blow.
      if ((await taking) === 'done') survived += 1;
      expect(await vault.everything()).toHaveLength(1 + survived);
    }
    expect((await vault.take()).status).toBe('done');
    expect((await vault.verifyAll()).map(({ status }) => status)).toEqual(Array(survived + 2).fill('done'));
  });
});

test('a compressor that fails is named with what it said', async ({ database, vault }) => {
  const unchanged = await firstBackup({ database, vault });
  const clients = await withFakes(database.connection, {
    zstd: 'head -c 100000 >/dev/null\necho "zstd: out of memory" >&2\nexit 7',
  });
  await expect(vault.take({}, { clients })).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
    message: expect.stringMatching(/^zstd ended with exit code 7: zstd: out of memory/),
    detail: 'stage_failed.zstd',
  });
  await unchanged();
});

test('a compressor that loses bytes in silence is caught by the reading back', async ({ database, vault }) => {
  const unchanged = await firstBackup({ database, vault });
  const clients = await withFakes(database.connection, { zstd: '"$REAL" "$@" | head -c -5000\nexit 0' });
  expect(await vault.take({}, { clients })).toMatchObject({ status: 'fail', detail: 'verify.undecodable' });
  await unchanged();
});

test('a compressor that ends the stream early and neatly is caught by the reading back', async ({
  database,
  vault,
}) => {
  const unchanged = await firstBackup({ database, vault });
  const clients = await withFakes(database.connection, {
    zstd: 'head -c 3000000 | "$REAL" "$@"\ncat >/dev/null\nexit 0',
  });
  expect(await vault.take({}, { clients })).toMatchObject({ status: 'fail', detail: 'verify.undecodable' });
  await unchanged();
});

test('a dump with fewer rows than the snapshot is refused, table by table', async ({ database, vault }) => {
  await database.query(
    'CREATE TABLE users AS SELECT n AS id FROM generate_series(1, 500) AS n; CREATE TABLE other (id int)',
  );
  await vault.take();
  await database.query('DELETE FROM users WHERE id > 400');
  // A dump of later than the snapshot: what a tool that does not hold on to one snapshot would write.
  const clients = await withFakes(database.connection, {
    pg_dump: `psql -qAtc 'DELETE FROM users WHERE id > 300' >/dev/null\nargs=()\nfor a in "$@"; do [[ $a == --snapshot* ]] || args+=("$a"); done\nexec "$REAL" "\${args[@]}"`,
  });
  expect(await vault.take({}, { clients })).toMatchObject({
    status: 'fail',
    detail: 'verify.rows_mismatch',
    summary: expect.stringContaining('public.users has 300 rows, expected 400'),
    facts: { differences: [{ table: 'public.users', expected: 400, found: 300 }] },
  });
  expect(await vault.everything()).toHaveLength(1);
});

test('an abort stops the programs and leaves nothing behind', async ({ database, vault }) => {
  const unchanged = await firstBackup({ database, vault });
  const controller = new AbortController();
  const { clients } = await withGate({ database, vault });
  const taking = vault.take({}, { clients, signal: controller.signal });
  await processNamed('pg_dump');
  controller.abort(new Error('stop, please'));
  await expect(taking).rejects.toThrow('stop, please');
  expect([...descendants('pg_dump'), ...descendants('zstd'), ...descendants('sleep')]).toEqual([]);
  await unchanged();
});

test('a staging folder of a process that lives is left alone, one of a dead process is swept', async ({
  database,
  vault,
}) => {
  await database.query('CREATE TABLE users AS SELECT 1 AS id');
  await vault.take();
  const label = join(vault.directory, 'app');
  const gate = await withGate({ database, vault });
  const taking = vault.take({}, { clients: gate.clients });
  const alive = await until('the staging folder', async () =>
    (await readdir(label)).find((name) => name.startsWith('.staging-') && existsSync(join(label, name, 'owner.json'))),
  );
  const owner = JSON.parse(await readFile(join(label, alive, 'owner.json'), 'utf8'));
  const dead = {
    '.staging-20200101T000000Z-0001': { pid: 999_999_999 },
    '.staging-20200101T000000Z-0002': { startTicks: 1 },
  };
  const foreign = { '.staging-20200101T000000Z-0003': { host: 'elsewhere' } };
  const rebooted = { '.staging-20200101T000000Z-0004': { bootId: 'before' } };
  for (const [name, change] of Object.entries({ ...dead, ...foreign, ...rebooted })) {
    await mkdir(join(label, name));
    await writeFile(join(label, name, 'owner.json'), JSON.stringify({ ...owner, ...change }));
  }
  expect((await vault.take()).status).toBe('done');
  expect((await vault.everything()).filter((name) => name.startsWith('.'))).toEqual(
    [alive, '.staging-20200101T000000Z-0003'].toSorted(),
  );
  await gate.open();
  expect((await taking).status).toBe('done');
});

test('a disk that fills up leaves no trace of the new backup and says what is the matter', async ({
  database,
  vault,
  skip,
}) => {
  const disk = join(vault.directory, 'disk');
  await mkdir(disk);
  const mounted = spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk]);
  skip(mounted.status !== 0, 'mounting a small disk needs root');
  try {
    await database.query('CREATE TABLE small AS SELECT 1 AS id');
    expect((await vault.take({ directory: disk })).status).toBe('done');
    await database.query(MANY_ROWS);
    await expect(vault.take({ directory: disk })).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect(await readdir(join(disk, 'app'))).toHaveLength(1);
    expect((await vault.verify({ directory: disk })).status).toBe('done');
  } finally {
    spawnSync('/bin/umount', [disk]);
  }
});
