import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, onTestFinished } from 'vitest';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { Secret } from '../../src/base/secret.ts';
import { parseManifest, type Manifest } from '../../src/backups/manifest.ts';
import type { FileSet } from '../../src/engine/backup-places.ts';
import { backup } from '../../src/tasks/backup.ts';
import { test, type Vault } from '../support/backups.ts';
import { LIMITS } from '../support/database.ts';
import { withFakes, withoutZstd } from '../support/fake-program.ts';
import { planTask } from '../support/run-task.ts';
import { mendSums } from '../support/tampering.ts';

const run = promisify(execFile);

async function newest(vault: Vault): Promise<{ readonly folder: string; readonly manifest: Manifest }> {
  const folder = (await vault.backups()).at(-1) ?? '';
  const manifest = parseManifest(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  if (typeof manifest === 'string') throw new Error(manifest);
  return { folder, manifest };
}

/** A folder of uploads with these files. */
function uploads(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'maint-uploads-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const TABLE = `CREATE TABLE attachments (id int GENERATED ALWAYS AS IDENTITY, file_path text, file_size bigint)`;
const REFERENCES = 'SELECT file_path AS path, file_size AS size FROM attachments';

function setOf(directory: string, references: string | null = REFERENCES): { readonly fileSets: readonly FileSet[] } {
  return { fileSets: [{ name: 'uploads', directory, references: references ?? undefined }] };
}

function listed(folder: string): readonly string[] {
  return zstdDecompressSync(readFileSync(join(folder, 'files-uploads.sha256.zst')))
    .toString()
    .split('\n')
    .slice(0, -1);
}

describe('roles', () => {
  test('lie beside the dump with memberships and settings, without a password', async ({ database, vault }) => {
    const role = database.name;
    await database.query(`
      CREATE ROLE "${role}" LOGIN PASSWORD 'never to be seen';
      GRANT pg_monitor TO "${role}"; ALTER ROLE "${role}" SET work_mem = '7MB'`);
    expect(await vault.take()).toMatchObject({ status: 'done' });
    const { folder, manifest } = await newest(vault);
    expect(manifest.globals).toEqual({ hasPasswords: false, isInSnapshot: false, fault: null });
    const sql = zstdDecompressSync(readFileSync(join(folder, 'globals.sql.zst'))).toString();
    expect(sql).toMatch(new RegExp(`CREATE ROLE "?${role}"?;`));
    expect(sql).toMatch(new RegExp(`GRANT pg_monitor TO "?${role}"?`));
    expect(sql).toMatch(new RegExp(`ALTER ROLE "?${role}"? SET work_mem TO '7MB'`));
    expect(sql).not.toMatch(/PASSWORD|SCRAM|never to be seen|CREATE TABLESPACE/);
    expect(await vault.verify()).toMatchObject({ status: 'done' });
    await database.query(`DROP ROLE "${role}"`);
  });

  test('are kept by a role that is no superuser, in a database with an odd name', async ({ database, vault }) => {
    const role = database.name;
    const odd = `${database.name} it's=a \\ name`;
    await database.query(`CREATE ROLE "${role}" LOGIN`);
    await database.query(`CREATE DATABASE "${odd}" OWNER "${role}"`);
    const connection = { ...parseConnection(new Secret(database.url.replace('postgres@', `${role}@`))), database: odd };
    await using session = openSession({ connection, mode: 'read-write', limits: LIMITS, applicationName: 'test' });
    expect(await vault.take({}, { connection, database: session })).toMatchObject({ status: 'done' });
    expect((await newest(vault)).manifest).toMatchObject({ database: odd, globals: { fault: null }, roles: [role] });
    await database.query(`DROP DATABASE "${odd}" WITH (FORCE)`);
    await database.query(`DROP ROLE "${role}"`);
  });

  test('that the server does not hand out are a warning, and the dump is kept', async ({ database, vault }) => {
    const clients = await withFakes(database.connection, { pg_dumpall: 'echo "no such luck" >&2; exit 1' });
    expect(await vault.take({}, { clients })).toMatchObject({
      status: 'warn',
      detail: 'backup.globals_failed',
      summary: expect.stringContaining('no such luck'),
    });
    const { folder, manifest } = await newest(vault);
    expect(manifest.globals?.fault).toContain('no such luck');
    expect(readdirSync(folder)).not.toContain('globals.sql.zst');
    expect(await vault.verify()).toMatchObject({ status: 'done' });
  });

  test('stay out where nobody wants them', async ({ vault }) => {
    expect(await vault.take({ globals: false })).toMatchObject({ status: 'done' });
    const { folder, manifest } = await newest(vault);
    expect(manifest.globals).toBeUndefined();
    expect(readdirSync(folder).toSorted()).toEqual(['RESTORE.md', 'SHA256SUMS', 'data.dump.zst', 'manifest.json']);
  });

  test('that were cut off are found out', async ({ vault }) => {
    await vault.take();
    const { folder } = await newest(vault);
    const path = join(folder, 'globals.sql.zst');
    writeFileSync(path, readFileSync(path).subarray(0, 200));
    expect(await vault.verify()).toMatchObject({ status: 'fail', detail: 'verify.truncated' });
  });
});

describe('files of the application', () => {
  const FILES = {
    'a.txt': 'first',
    'deep/er/b.txt': 'second',
    'Ünïcode ☃.txt': 'third',
    'line\nbreak': '4',
    empty: '',
  };
  const ROWS = Object.entries(FILES).map(([path, text]) => `('${path}', ${text.length})`);

  test('come out of the archive as they were, and their list is checked by sha256sum', async ({ database, vault }) => {
    const folder = uploads({ ...FILES, 'big.bin': 'x'.repeat(3_000_000) });
    mkdirSync(join(folder, 'nothing in it'));
    chmodSync(join(folder, 'a.txt'), 0o604);
    symlinkSync('a.txt', join(folder, 'link'));
    linkSync(join(folder, 'a.txt'), join(folder, 'same'));
    await database.query(`${TABLE}; INSERT INTO attachments (file_path, file_size) VALUES ${ROWS.join(', ')}`);
    expect(await vault.take({}, { backups: setOf(folder) })).toMatchObject({
      status: 'done',
      facts: { fileSets: [{ name: 'uploads', files: 7, references: { files: 5, missing: 0, unreferencedFiles: 2 } }] },
    });
    const { folder: taken } = await newest(vault);
    const back = uploads();
    execFileSync('bash', ['-c', `zstd -dc "$1" | tar -x -C "$2"`, '-', join(taken, 'files-uploads.tar.zst'), back]);
    execFileSync('diff', ['--recursive', '--no-dereference', folder, back]);
    const facts = (at: string): string =>
      execFileSync('bash', ['-c', `cd "$1" && find . -printf '%P %m %Ts %l\\n' | sort`, '-', at], { encoding: 'utf8' });
    expect(facts(back).split('\n').slice(1)).toEqual(facts(folder).split('\n').slice(1));
    const list = join(taken, 'files-uploads.sha256.zst');
    const { stdout } = await run('bash', ['-c', `zstd -dc "$1" | sha256sum --strict --check`, '-', list], {
      cwd: back,
    });
    expect(stdout.match(/: OK$/gm)).toHaveLength(7);
    expect(await vault.verify()).toMatchObject({ status: 'done' });
  });

  test('go through libraries alone where zstd is not installed, and through encryption', async ({
    database,
    vault,
  }) => {
    const folder = uploads(FILES);
    await database.query(`${TABLE}; INSERT INTO attachments (file_path, file_size) VALUES ${ROWS.join(', ')}`);
    const { identity, recipient } = await makeKeyPair();
    const around = {
      clients: withoutZstd(database.connection),
      backups: { ...setOf(folder), recipients: [recipient] },
    };
    expect(await vault.take({}, around)).toMatchObject({ status: 'done' });
    const { folder: taken } = await newest(vault);
    expect(readdirSync(taken).toSorted()).toEqual([
      'RESTORE.md',
      'SHA256SUMS',
      'data.dump.zst.age',
      'files-uploads.sha256.zst.age',
      'files-uploads.tar.zst.age',
      'globals.sql.zst.age',
      'manifest.json',
    ]);
    expect(readFileSync(join(taken, 'files-uploads.tar.zst.age')).includes('second')).toBe(false);
    expect(await vault.verify({}, { backups: { identity } })).toMatchObject({ status: 'done' });
    await expect(vault.verify()).rejects.toMatchObject({ code: 'KEY_MISSING' });
  });

  test('that rows point to and that are missing, or have another size, are named, and the backup is kept', async ({
    database,
    vault,
  }) => {
    const folder = uploads({ 'a.txt': 'first', 'b.txt': 'longer than it should be' });
    await database.query(
      `${TABLE}; INSERT INTO attachments (file_path, file_size)
       VALUES ('a.txt', 5), ('b.txt', 6), ('gone/c.txt', 7), ('d.txt', NULL), (NULL, 1), ('/./a.txt', 5)`,
    );
    const outcome = await vault.take({}, { backups: setOf(folder) });
    expect(outcome).toMatchObject({ status: 'warn', detail: 'files.missing' });
    expect(outcome.summary).toContain('of 4 files of uploads that rows point to, 2 missing and 1 of another size');
    expect(outcome.remediation).not.toEqual([]);
    const { manifest } = await newest(vault);
    expect(manifest.fileSets?.[0]?.references).toMatchObject({ files: 4, missing: 2, otherSize: 1, passing: 0 });
    expect(manifest.fileSets?.[0]?.references?.examples.toSorted()).toEqual(['b.txt', 'd.txt', 'gone/c.txt']);
    expect(await vault.verify()).toMatchObject({ status: 'done' });
  });

  test('whose rows went away together with them while the dump ran are no loss', async ({ database, vault }) => {
    const folder = uploads({ 'a.txt': 'first', 'b.txt': 'second' });
    await database.query(`${TABLE}; INSERT INTO attachments (file_path, file_size) VALUES ('a.txt', 5), ('b.txt', 6)`);
    const clients = await withFakes(database.connection, {
      pg_dumpall: `rm '${folder}/b.txt'; psql -d '${database.name}' -c "DELETE FROM attachments WHERE file_path = 'b.txt'" >&2
                   exec "$REAL" "$@"`,
    });
    expect(await vault.take({}, { clients, backups: setOf(folder) })).toMatchObject({ status: 'done' });
    const { manifest } = await newest(vault);
    expect(manifest.fileSets?.[0]?.references).toMatchObject({ files: 2, missing: 0, passing: 1 });
  });

  test('are never read through a link, which goes in as a link', async ({ database, vault }) => {
    const outside = uploads({ 'shadow.txt': 'not to be seen' });
    const folder = uploads({ 'real/a.txt': 'first' });
    symlinkSync(outside, join(folder, 'out'));
    symlinkSync(join(outside, 'shadow.txt'), join(folder, 'shadow.txt'));
    symlinkSync('real', join(folder, 'alias'));
    await database.query(
      `${TABLE}; INSERT INTO attachments (file_path) VALUES ('alias/a.txt'), ('real/a.txt'), ('out/shadow.txt'), ('shadow.txt')`,
    );
    expect(await vault.take({}, { backups: setOf(folder) })).toMatchObject({ status: 'warn', detail: 'files.missing' });
    const { folder: taken, manifest } = await newest(vault);
    expect(manifest.fileSets?.[0]).toMatchObject({
      files: 1,
      links: 3,
      folders: 1,
      references: { files: 4, missing: 2 },
    });
    const tar = zstdDecompressSync(readFileSync(join(taken, 'files-uploads.tar.zst')));
    expect(tar.includes('not to be seen')).toBe(false);
    expect(tar.includes('first')).toBe(true);
  });

  test('that are no files are left out and counted; names that are no UTF-8 are a warning', async ({ vault }) => {
    const folder = uploads({ 'a.txt': 'first' });
    const server = createServer().listen(join(folder, 'socket'));
    onTestFinished(() => void server.close());
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    execFileSync('bash', ['-c', String.raw`touch "$1"/$'latin1-\xe9'`, '-', folder]);
    const outcome = await vault.take({}, { backups: setOf(folder, null) });
    expect(outcome).toMatchObject({ status: 'warn', detail: 'files.unreadable' });
    const { manifest } = await newest(vault);
    expect(manifest.fileSets?.[0]).toMatchObject({ files: 1, special: 2, unreadable: 1, references: null });
  });

  test('that are written to meanwhile do not end the backup', async ({ vault }) => {
    const folder = uploads(Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`f${n}`, 'x'.repeat(n * 997)])));
    const busy = new AbortController();
    const writing = (async () => {
      for (let n = 0; !busy.signal.aborted; n = (n + 7) % 300) {
        writeFileSync(join(folder, `f${n}`), 'y'.repeat((n * 7_919) % 200_000));
        rmSync(join(folder, `f${(n + 150) % 300}`), { force: true });
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const outcomes = [];
    for (let round = 0; round < 3; round += 1) outcomes.push(await vault.take({}, { backups: setOf(folder, null) }));
    busy.abort();
    await writing;
    expect(outcomes.map(({ status }) => status)).toEqual(['done', 'done', 'done']);
    expect(await vault.verify()).toMatchObject({ status: 'done' });
    const { folder: taken } = await newest(vault);
    const back = uploads();
    execFileSync('bash', ['-c', `zstd -dc "$1" | tar -x -C "$2"`, '-', join(taken, 'files-uploads.tar.zst'), back]);
    expect(readdirSync(back)).toHaveLength(listed(taken).length);
  });

  test('whose folder is gone fail the step, and the dump is kept', async ({ vault }) => {
    const outcome = await vault.take({}, { backups: setOf('/nonexistent/uploads') });
    expect(outcome).toMatchObject({ status: 'fail', detail: 'files.unusable' });
    expect(outcome.summary).toContain('/nonexistent/uploads');
    const { folder, manifest } = await newest(vault);
    expect(manifest.fileSets?.[0]?.fault).toContain('/nonexistent/uploads');
    expect(readdirSync(folder)).not.toContain('files-uploads.tar.zst');
    expect(await vault.verify()).toMatchObject({ status: 'done' });
  });

  test('go in without the backups that lie among them', async ({ vault }) => {
    writeFileSync(join(vault.directory, '..', `${vault.directory.split('/').at(-1)}.txt`), '');
    onTestFinished(() => rmSync(`${vault.directory}.txt`));
    const folder = uploads({ 'a.txt': 'first' });
    const directory = join(folder, 'backups');
    const around = { backups: setOf(folder, null) };
    await vault.take({ directory }, around);
    expect(await vault.take({ directory }, around)).toMatchObject({
      facts: { fileSets: [{ files: 1, folders: 0 }] },
    });
  });

  test.for([
    ['SELECT nonsense FROM nowhere', 'nowhere'],
    ['SELECT file_path FROM attachments', 'no column named path'],
    [`INSERT INTO attachments (file_path) VALUES ('x') RETURNING file_path AS path`, 'syntax error'],
    [`SELECT 1) AS x; DELETE FROM attachments; --`, 'x'],
  ])('a query that cannot be asked, %s, is a warning', async ([query = '', said = ''], { database, vault }) => {
    await database.query(`${TABLE}; INSERT INTO attachments (file_path) VALUES ('a.txt')`);
    const outcome = await vault.take({}, { backups: setOf(uploads({ 'a.txt': 'x' }), query) });
    expect(outcome).toMatchObject({ status: 'warn', detail: 'files.references_failed' });
    expect(outcome.summary).toContain(said);
    expect(await database.query('SELECT count(*)::int AS n FROM attachments')).toEqual([{ n: 1 }]);
    expect((await newest(vault)).manifest.tables['public.attachments']).toMatchObject({ rows: 1 });
  });

  test('may be a query with a semicolon and a comment at its end, over many rows', async ({ database, vault }) => {
    await database.query(
      `${TABLE}; INSERT INTO attachments (file_path) SELECT 'f' || n FROM generate_series(1, 25000) AS n`,
    );
    const folder = uploads({ f1: '', f25000: '', f25001: '' });
    await vault.take({}, { backups: setOf(folder, 'SELECT file_path AS path FROM attachments -- all of them\n ;') });
    expect((await newest(vault)).manifest.fileSets?.[0]?.references).toMatchObject({
      files: 25_000,
      missing: 24_998,
      unreferencedFiles: 1,
    });
  });

  test.for(['files-uploads.tar.zst', 'files-uploads.sha256.zst'])(
    'a flipped byte in %s is found',
    async (name, { vault }) => {
      await vault.take({}, { backups: setOf(uploads({ 'a.txt': 'x'.repeat(50_000) }), null) });
      const { folder } = await newest(vault);
      const bytes = readFileSync(join(folder, name));
      bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 4;
      writeFileSync(join(folder, name), bytes);
      expect(await vault.verify()).toMatchObject({ status: 'fail', detail: 'verify.checksum_mismatch' });
    },
  );

  test('are told of in a dry run', async ({ database, reader, vault }) => {
    const steps = await planTask(
      backup,
      { directory: vault.directory },
      { connection: database.connection, database: reader, backups: setOf('/srv/uploads') },
    );
    const intent = steps[0]?.intent?.join('\n');
    expect(intent).toContain(
      'keep the files below /srv/uploads as files-uploads.tar.zst and hold them against the rows',
    );
    expect(intent).toContain('keep the roles of the server beside it, without passwords');
  });
});

describe('the manifest', () => {
  const SCHEMA = `CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'a')`;

  test('has one hash for the schema, which rows do not change and definitions do', async ({ database, vault }) => {
    await database.query(SCHEMA);
    const hashes: (string | undefined)[] = [];
    const changes = [
      '',
      `INSERT INTO users VALUES (2, 'b')`,
      'SELECT lo_create(0)',
      'CREATE INDEX ON users (name)',
      'GRANT SELECT ON users TO public',
    ];
    for (const change of changes) {
      await database.query(change);
      await vault.take({ globals: false });
      hashes.push((await newest(vault)).manifest.schemaSha256);
    }
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(hashes.map((hash) => hashes.indexOf(hash))).toEqual([0, 0, 0, 3, 4]);
  });

  test('whose hash of the schema is another than that of the dump is found out', async ({ database, vault }) => {
    await database.query(SCHEMA);
    await vault.take();
    const { folder, manifest } = await newest(vault);
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, schemaSha256: '0'.repeat(64) }));
    await mendSums(folder);
    expect(await vault.verify()).toMatchObject({ status: 'fail', detail: 'verify.schema_mismatch' });
  });

  test('of an older maint, without any of this, is read and verified', async ({ database, vault }) => {
    await database.query(SCHEMA);
    await vault.take({ globals: false });
    const { folder, manifest } = await newest(vault);
    const { server, snapshot, format, id, label, tools, artifacts, tables, excluded, warnings, durations, verify } =
      manifest;
    const { version, major, encoding, isStandby } = server;
    const old = {
      format,
      id,
      label,
      tools,
      database: manifest.database,
      artifacts,
      tables,
      excluded,
      warnings,
      durations,
      verify,
      server: { version, major, encoding, isStandby },
      snapshot: { id: snapshot.id, takenAt: snapshot.takenAt },
    };
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(old));
    await mendSums(folder);
    expect(await vault.verify()).toMatchObject({ status: 'done' });
  });

  test('says what is on the server and not in it, and which cluster it is of', async ({ database, vault }) => {
    const other = `${database.name}_other`;
    await database.query(`CREATE DATABASE "${other}"`);
    await vault.take();
    await database.query(`DROP DATABASE "${other}"`);
    const { manifest } = await newest(vault);
    expect(manifest.excluded).toContain(`the database ${other} of the same server`);
    expect(manifest.server.systemIdentifier).toMatch(/^\d+$/);
    expect(manifest.snapshot.lsn).toMatch(/\//);
    expect(manifest.untold).toEqual([]);
  });

  test('of a folder that lost half of its files is suspicious', async ({ vault }) => {
    const folder = uploads(Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`f${n}`, ''])));
    expect(await vault.take({}, { backups: setOf(folder, null) })).toMatchObject({ status: 'done' });
    for (let n = 0; n < 70; n += 1) rmSync(join(folder, `f${n}`));
    const outcome = await vault.take({}, { backups: setOf(folder, null) });
    expect(outcome).toMatchObject({ status: 'fail', detail: 'anomaly.rows' });
    expect(outcome.summary).toContain('files of uploads has 50 files, 120 were usual');
  });
});
