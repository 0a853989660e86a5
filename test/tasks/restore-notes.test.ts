import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject, onTestFinished } from 'vitest';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { startCluster } from '../../src/adapters/cluster.ts';
import type { BackupPlaces } from '../../src/engine/backup-places.ts';
import { agePath, keyFile } from '../support/age.ts';
import { test, type Vault } from '../support/backups.ts';
import { queryOnce, type TestDatabase } from '../support/database.ts';

const run = promisify(execFile);

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'maint-notes-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Notes {
  readonly folder: string;
  readonly text: string;
  /** The blocks of commands, by the heading above them. */
  readonly commands: ReadonlyMap<string, string>;
}

async function notesOf(vault: Vault): Promise<Notes> {
  const folder = (await vault.backups()).at(-1) ?? '';
  const text = readFileSync(join(folder, 'RESTORE.md'), 'utf8');
  const sections = text.split(/^## /m).map((section) => {
    const [heading = ''] = section.split('\n', 1);
    return [heading, /```bash\n([^]+?)```/.exec(section)?.[1] ?? ''] as const;
  });
  return { folder, text, commands: new Map(sections) };
}

/** A role that owns, one that may read, a tablespace, settings, and two uploads. */
async function build(database: TestDatabase, uploads: string): Promise<void> {
  const { name, url } = database;
  await database.query(`CREATE ROLE "${name}_owner" LOGIN PASSWORD 'old'; CREATE ROLE "${name}_reader"`);
  await database.query(`GRANT "${name}_reader" TO "${name}_owner"`);
  execFileSync('psql', ['--quiet', `--command=CREATE TABLESPACE "${name}" LOCATION ''`, url], {
    env: { ...process.env, PGOPTIONS: '-c allow_in_place_tablespaces=on' },
  });
  await database.query(`
    CREATE TABLE users (id int) TABLESPACE "${name}"; INSERT INTO users SELECT generate_series(1, 500);
    ALTER TABLE users OWNER TO "${name}_owner"; GRANT SELECT ON users TO "${name}_reader";
    ALTER DATABASE "${name}" SET work_mem = '7MB'; ALTER DATABASE "${name}" SET app.jwt_secret = 'do not tell'`);
  mkdirSync(join(uploads, 'deep'));
  writeFileSync(join(uploads, 'a.txt'), 'first');
  writeFileSync(join(uploads, 'deep', 'b.txt'), 'second');
}

async function demolish(database: TestDatabase): Promise<void> {
  const { name } = database;
  await database.query(`DROP TABLE users; DROP ROLE "${name}_owner"; DROP ROLE "${name}_reader"`);
  await database.query(`DROP TABLESPACE "${name}"`);
}

describe.each([
  { how: 'plain', isEncrypted: false },
  { how: 'encrypted', isEncrypted: true },
])('RESTORE.md of a backup that is $how', ({ isEncrypted }) => {
  test.skipIf(isEncrypted && agePath === undefined)(
    'brings roles, owners, rights, rows and files back on a fresh server, with stock programs alone',
    async ({ database, vault }) => {
      const uploads = temporary();
      await build(database, uploads);
      const keys = await makeKeyPair();
      const backups: Partial<BackupPlaces> = {
        fileSets: [{ name: 'uploads', directory: uploads, references: undefined }],
        recipients: isEncrypted ? [keys.recipient] : [],
      };
      await vault.take({}, { backups });
      await demolish(database);
      const { folder, text, commands } = await notesOf(vault);
      const key = join(temporary(), 'key.txt');
      writeFileSync(key, keyFile(keys).reveal(), { mode: 0o600 });
      const to = join(temporary(), 'back');
      await using cluster = await startCluster({
        binDirectory: inject('binDirectory'),
        parentDirectory: tmpdir(),
        uid: process.getuid?.(),
      });
      const env = {
        PATH: '/usr/bin:/bin',
        PGHOST: cluster.socketDirectory,
        PGPORT: String(cluster.port),
        PGUSER: cluster.superuser,
        NEW: 'back',
        TO: to,
        ...(isEncrypted && { KEY: key }),
      };
      await run('bash', ['-c', commands.get('With roles, owners and rights as they were') ?? 'false'], {
        cwd: folder,
        env,
      });
      await run('bash', ['-c', commands.get('Files of the application') ?? 'false'], { cwd: folder, env });

      const [state] = await queryOnce(
        cluster.url('back'),
        `SELECT (SELECT count(*)::int FROM users) AS rows,
                pg_get_userbyid(relowner) = '${database.name}_owner' AS is_owned,
                has_table_privilege('${database.name}_reader', 'users', 'SELECT') AS is_readable,
                pg_has_role('${database.name}_owner', '${database.name}_reader', 'MEMBER') AS is_member
           FROM pg_class WHERE relname = 'users'`,
      );
      expect(state).toEqual({ rows: 500, is_owned: true, is_readable: true, is_member: true });
      execFileSync('diff', ['--recursive', uploads, to]);
      expect(text).toContain(`\`ALTER DATABASE … SET work_mem = 7MB\``);
      expect(text).toContain('`ALTER DATABASE … SET app.jwt_secret = (not shown here: it may be a secret)`');
      expect(text + readFileSync(join(folder, 'manifest.json'), 'utf8')).not.toContain('do not tell');
      expect(text).toContain(
        `It needs the roles \`postgres\`, \`${database.name}_owner\`, \`${database.name}_reader\`.`,
      );
      expect(text).toContain('- passwords of roles\n');
      expect(text).toContain('but for those of uploads\n');
    },
  );
});

test('without roles and files the notes say that they are missing, and how to do without', async ({
  database,
  vault,
}) => {
  await database.query('CREATE TABLE users AS SELECT 1 AS id');
  await vault.take({ globals: false });
  const { text, commands } = await notesOf(vault);
  expect(text).toContain('- roles and their memberships\n- files that the application keeps outside the database\n');
  expect([...commands].filter(([, block]) => block !== '').map(([heading]) => heading)).toEqual([
    'Into a new database',
  ]);
  expect(text).toContain('leave out `--no-owner` and `--no-privileges`');
});
