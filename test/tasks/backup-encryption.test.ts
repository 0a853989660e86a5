import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, onTestFinished } from 'vitest';
import { encrypted } from '../../src/adapters/age.ts';
import { makeKeyPair, type KeyPair } from '../../src/adapters/age-keys.ts';
import { parseManifest } from '../../src/backups/manifest.ts';
import { backup } from '../../src/tasks/backup.ts';
import { restoreTest } from '../../src/tasks/restore-test.ts';
import { agePath, keyFile } from '../support/age.ts';
import { test as withVault, type Vault } from '../support/backups.ts';
import { queryOnce } from '../support/database.ts';
import { withFakes, withoutZstd } from '../support/fake-program.ts';
import { noDatabase, planTask, runTask, type Around } from '../support/run-task.ts';

const run = promisify(execFile);
const DUMP = 'data.dump.zst.age';
const SECRET_ROW = 'the row that nobody may read';
const ROWS = `
  CREATE TABLE users (id int PRIMARY KEY, name text);
  INSERT INTO users SELECT n, md5(n::text) FROM generate_series(1, 20000) AS n;
  INSERT INTO users VALUES (0, '${SECRET_ROW}')`;

interface Fixtures {
  ops: KeyPair;
  breakGlass: KeyPair;
  /** A host that takes backups, and holds no key. */
  host: Partial<Around>;
  folder: () => Promise<string>;
}

const test = withVault.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern
  ops: async ({}, use) => use(await makeKeyPair()),
  // oxlint-disable-next-line no-empty-pattern
  breakGlass: async ({}, use) => use(await makeKeyPair()),
  host: async ({ ops, breakGlass }, use) => use({ backups: { recipients: [ops.recipient, breakGlass.recipient] } }),
  folder: async ({ vault }, use) => use(async () => (await vault.backups()).at(-1) ?? ''),
});

const holding = (...keys: readonly KeyPair[]): Partial<Around> => ({ backups: { identity: keyFile(...keys) } });

async function change(folder: string, how: (bytes: Buffer) => Buffer): Promise<void> {
  const path = join(folder, DUMP);
  await writeFile(path, how(await readFile(path)));
}

/** The manifest and the checksums say of the dump what it now is. */
async function mend(folder: string): Promise<void> {
  const sumOf = async (name: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
  const manifest = join(folder, 'manifest.json');
  const size = (await readFile(join(folder, DUMP))).length;
  const text = (await readFile(manifest, 'utf8'))
    .replace(/"bytes": \d+/, `"bytes": ${size}`)
    .replace(/"sha256": "\w+"/, `"sha256": "${await sumOf(DUMP)}"`);
  await writeFile(manifest, text);
  const names = (await readdir(folder)).filter((name) => name !== 'SHA256SUMS');
  const lines = names.map(async (name) => `${await sumOf(name)}  ${name}\n`);
  await writeFile(join(folder, 'SHA256SUMS'), (await Promise.all(lines)).join(''));
}

describe('taking a backup', () => {
  test('encrypts the rows, and says to whom', async ({ database, vault, host, folder, ops, breakGlass }) => {
    await database.query(ROWS);
    const recipients = [ops.recipient, breakGlass.recipient];
    expect(await vault.take({}, host)).toMatchObject({
      status: 'done',
      summary: expect.stringMatching(/, encrypted to 2 keys, read back and counted/),
      facts: { recipients, rows: 20_001 },
    });
    const manifest = parseManifest(await readFile(join(await folder(), 'manifest.json'), 'utf8'));
    if (typeof manifest === 'string') throw new Error(manifest);
    expect(manifest.encryption).toEqual({ recipients });
    expect(manifest.artifacts).toContainEqual(
      expect.objectContaining({ path: DUMP, codec: ['pg_dump-custom', 'zstd', 'age'] }),
    );
    const artifacts = manifest.artifacts.map(({ path }) => path);
    expect(artifacts.filter((path) => !path.endsWith('.age'))).toEqual([]);
    const names = await readdir(await folder());
    expect(names.toSorted()).toEqual(['RESTORE.md', 'SHA256SUMS', 'manifest.json', ...artifacts].toSorted());
    const { stdout } = await run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: await folder() });
    expect(stdout.match(/: OK/g)?.length).toBe(names.length - 1);
  });

  test('leaves nothing of the dump in the clear, and no recipient can be read from it', async ({
    database,
    vault,
    host,
    folder,
    ops,
  }) => {
    await database.query(ROWS);
    await vault.take({}, host);
    const bytes = await readFile(join(await folder(), DUMP));
    expect(bytes.subarray(0, 22).toString()).toBe('age-encryption.org/v1\n');
    for (const clear of [SECRET_ROW, 'PGDMP', ops.recipient, '\u0028\u00b5\u002f\u00fd'])
      expect(bytes.includes(Buffer.from(clear, 'latin1')), clear).toBe(false);
    for (const name of await readdir(await folder()))
      expect((await readFile(join(await folder(), name))).includes(SECRET_ROW), name).toBe(false);
  });

  test('a dry run names the recipients, and that one alone is a risk', async ({
    database,
    vault,
    session,
    host,
    ops,
  }) => {
    const around = { connection: database.connection, database: session };
    const intents = async (backups: Around['backups']): Promise<string> => {
      const steps = await planTask(backup, { directory: vault.directory }, { ...around, backups: backups ?? {} });
      return steps[0]?.intent?.join('\n') ?? '';
    };
    expect(await intents(host.backups)).toContain(`encrypt to 2 recipients of age: ${ops.recipient}, age1`);
    expect(await intents(host.backups)).toContain(`with ${DUMP}, manifest.json`);
    expect(await intents({ recipients: [ops.recipient] })).toContain('; when its key is lost, so is the backup');
    expect(await intents({})).not.toContain('encrypt');
  });

  test('reads back what it encrypted: a byte that changes on the way to the disk is caught', async ({
    database,
    vault,
    host,
  }) => {
    await database.query(ROWS);
    const clients = await withFakes(database.connection, { zstd: '"$REAL" "$@" | head -c 50000' });
    expect(await vault.take({}, { ...host, clients })).toMatchObject({ status: 'fail', detail: 'verify.undecodable' });
    expect(await vault.everything()).toEqual([]);
  });

  test('an archive that only pg_restore can read is read back through the encryption too', async ({
    database,
    vault,
    host,
    ops,
  }) => {
    await database.query(ROWS);
    const clients = await withFakes(database.connection, { pg_dump: 'exec "$REAL" "$@" --compress=1' });
    expect(await vault.take({}, { ...host, clients })).toMatchObject({ status: 'done', facts: { rows: 20_001 } });
    expect(await vault.verify({}, holding(ops))).toMatchObject({ status: 'done', facts: { rows: 20_001 } });
  });

  test('without the zstd program the same format is written', async ({ database, vault, host, ops }) => {
    await database.query(ROWS);
    await vault.take({}, { ...host, clients: withoutZstd(database.connection) });
    expect(await vault.verify({}, holding(ops))).toMatchObject({ status: 'done', facts: { rows: 20_001 } });
  });
});

describe('verifying', () => {
  test('each key on its own proves every row, with the zstd program and without it', async ({
    database,
    vault,
    host,
    ops,
    breakGlass,
  }) => {
    await database.query(ROWS);
    await vault.take({}, host);
    for (const key of [ops, breakGlass])
      for (const clients of [{}, { clients: withoutZstd() }])
        expect(await vault.verify({}, { ...holding(key), ...clients })).toMatchObject({
          status: 'done',
          facts: { rows: 20_001, tables: 1 },
        });
  });

  test('no key, or the wrong ones, is no verdict on the backup, and its bytes can be checked without one', async ({
    database,
    vault,
    host,
  }) => {
    await database.query(ROWS);
    await vault.take({}, host);
    await expect(vault.verify()).rejects.toMatchObject({ code: 'KEY_MISSING', detail: 'verify.no_key', exitCode: 4 });
    for (const level of ['present', 'checksum'])
      expect(await vault.verify({ level }), level).toMatchObject({ status: 'done' });
    const strangers = holding(await makeKeyPair(), await makeKeyPair());
    await expect(vault.verify({}, strangers)).rejects.toMatchObject({
      code: 'KEY_MISSING',
      detail: 'verify.wrong_key',
      message: 'none of the 2 identities opens the file',
    });
  });

  test('damage is found with the key, with a wrong one, and without any', async ({
    database,
    vault,
    host,
    ops,
    folder,
  }) => {
    await database.query(ROWS);
    await vault.take({}, host);
    const path = join(await folder(), DUMP);
    const good = await readFile(path);
    const flip = (at: number) => (bytes: Buffer) => {
      bytes[at] = (bytes[at] ?? 0) ^ 0b100;
      return bytes;
    };
    const payload = good.indexOf('\n', good.indexOf('\n--- ') + 1) + 1;
    const faults: Readonly<Record<string, readonly [string, (bytes: Buffer) => Buffer]>> = {
      'a bit in its first line': ['checksum_mismatch', flip(5)],
      'a bit in the part for the first key': ['checksum_mismatch', flip(good.indexOf('X25519') + 10)],
      'a bit in the checksum of the header': ['checksum_mismatch', flip(payload - 10)],
      'a bit in the nonce': ['checksum_mismatch', flip(payload + 3)],
      'a bit in the middle': ['checksum_mismatch', flip(good.length >> 1)],
      'a bit at the end': ['checksum_mismatch', flip(good.length - 2)],
      'four kilobytes of zeros': ['checksum_mismatch', (bytes) => bytes.fill(0, payload + 5_000, payload + 9_096)],
      'one byte too many': ['checksum_mismatch', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
    };
    const cuts: typeof faults = {
      'cut to half': ['truncated', (bytes) => bytes.subarray(0, bytes.length >> 1)],
      'cut by a byte': ['truncated', (bytes) => bytes.subarray(0, -1)],
      'cut between two pieces': ['truncated', (bytes) => bytes.subarray(0, payload + 16 + 65_552)],
      'cut within its header': ['truncated', (bytes) => bytes.subarray(0, 100)],
      empty: ['truncated', () => Buffer.alloc(0)],
    };
    const stranger = await makeKeyPair();
    for (const [fault, [detail, inflict]] of Object.entries({ ...faults, ...cuts })) {
      await writeFile(path, inflict(Buffer.from(good)));
      expect(await vault.verify({}, holding(ops)), fault).toMatchObject({ status: 'fail', detail: `verify.${detail}` });
      for (const around of [{}, holding(stranger)])
        expect(await vault.verify({}, around), fault).toMatchObject({
          status: 'fail',
          detail: expect.stringMatching(/^verify\.(checksum_mismatch|truncated)$/),
        });
    }
    await writeFile(path, good);
    await appendFile(join(await folder(), 'RESTORE.md'), 'more\n');
    expect(await vault.verify()).toMatchObject({ status: 'fail', detail: 'verify.notes_changed' });
  });

  test('what someone else encrypted to the same public keys is found by its rows', async ({
    database,
    vault,
    host,
    ops,
    folder,
  }) => {
    await database.query(ROWS);
    await vault.take({}, host);
    const forged = async (plain: Buffer): Promise<void> => {
      const pieces: Buffer[] = [];
      const source = (async function* () {
        yield plain;
      })();
      for await (const piece of encrypted(source, [ops.recipient])) pieces.push(piece);
      const place = await folder();
      await change(place, () => Buffer.concat(pieces));
      await mend(place);
    };
    const { stdout } = await run('pg_dump', ['-Fc', '-Z0', '--schema-only', database.url], {
      encoding: 'buffer',
      maxBuffer: 2 ** 26,
    });
    await forged(zstdCompressSync(stdout));
    expect(await vault.verify({}, holding(ops))).toMatchObject({ status: 'fail', detail: 'verify.rows_mismatch' });
    await forged(zstdCompressSync(stdout.subarray(0, 300)));
    expect(await vault.verify({}, holding(ops))).toMatchObject({ status: 'fail', detail: 'verify.undecodable' });
    await forged(Buffer.from('no zstd at all'));
    expect(await vault.verify({}, holding(ops))).toMatchObject({ status: 'fail', detail: 'verify.undecodable' });
  });

  test('good encrypted backups of many shapes raise no alarm', async ({ database, vault, host, ops }) => {
    for (let round = 0; round < 8; round += 1) {
      await database.query(
        `CREATE TABLE t${round} AS SELECT n, md5(n::text) AS pad FROM generate_series(1, ${round * 1_997}) AS n`,
      );
      await vault.take({ compressionLevel: 1 + (round % 6) }, host);
      expect(await vault.verify({}, holding(ops)), `round ${round}`).toMatchObject({ status: 'done' });
    }
  });
});

describe('restoring', () => {
  const tried = async (vault: Vault, around: Partial<Around>): Promise<unknown> => {
    const scratch = await mkdtemp(join(tmpdir(), 'maint-s-'));
    // As root, the server in there runs as another user.
    await chmod(scratch, 0o755);
    onTestFinished(() => rm(scratch, { recursive: true, force: true }));
    const [outcome] = await runTask(
      restoreTest,
      { directory: vault.directory, scratch },
      { database: noDatabase, ...around },
    );
    expect(await readdir(scratch)).toEqual([]);
    return outcome;
  };

  test('a restore test needs a key, and any of them will do', async ({ database, vault, host, breakGlass }) => {
    await database.query(ROWS);
    await vault.take({}, host);
    expect(await tried(vault, holding(await makeKeyPair(), breakGlass))).toMatchObject({
      status: 'done',
      facts: { rows: 20_001, recipient: breakGlass.recipient },
    });
    await expect(tried(vault, {})).rejects.toMatchObject({ code: 'KEY_MISSING' });
    await expect(tried(vault, holding(await makeKeyPair()))).rejects.toMatchObject({ code: 'KEY_MISSING' });
  });

  test('a restore test finds damage behind the encryption', async ({ database, vault, host, ops, folder }) => {
    await database.query(ROWS);
    await vault.take({}, host);
    await change(await folder(), (bytes) => {
      bytes[bytes.length - 1_000] = (bytes[bytes.length - 1_000] ?? 0) ^ 1;
      return bytes;
    });
    expect(await tried(vault, holding(ops))).toMatchObject({ status: 'fail', detail: 'restore.checksum_mismatch' });
  });

  test.skipIf(agePath === undefined)(
    'the commands of RESTORE.md bring it back with stock programs, and name the keys',
    async ({ database, vault, host, ops, breakGlass, folder }) => {
      await database.query(ROWS);
      await vault.take({}, host);
      const place = await folder();
      const notes = await readFile(join(place, 'RESTORE.md'), 'utf8');
      expect(notes).toContain(`- \`${ops.recipient}\`\n- \`${breakGlass.recipient}\`\n`);
      const commands = /```bash\n([^]+?)```/.exec(notes)?.[1] ?? 'false';
      const key = join(vault.directory, 'key.txt');
      await writeFile(key, keyFile(breakGlass).reveal(), { mode: 0o600 });
      const restored = `${database.name}_back`;
      const { host: server, port, user } = database.connection;
      const env = { PATH: process.env['PATH'], PGHOST: server, PGPORT: String(port), PGUSER: user, NEW: restored };
      await expect(run('bash', ['-c', commands], { cwd: place, env })).rejects.toMatchObject({
        stderr: expect.stringContaining('the file of the secret key'),
      });
      await run('bash', ['-c', commands], { cwd: place, env: { ...env, KEY: key } });
      const [count] = await queryOnce<{ rows: number }>(
        database.url.replace(database.name, restored),
        `SELECT count(*)::int AS rows FROM users`,
      );
      await database.query(`DROP DATABASE "${restored}" WITH (FORCE)`);
      expect(count).toEqual({ rows: 20_001 });
    },
  );
});
