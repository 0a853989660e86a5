import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { libpqEnvironment, parseConnection } from '../../src/adapters/connection.ts';
import { openSession, type Session } from '../../src/adapters/postgres.ts';
import { programEnvironment } from '../../src/adapters/program-environment.ts';
import { readRights, requireRights } from '../../src/backups/rights.ts';
import { Secret } from '../../src/base/secret.ts';
import { clusterUrl, LIMITS, queryOnce, test, type TestDatabase } from '../support/database.ts';

const run = promisify(execFile);

/** A role that may log in and nothing else, and its session. */
async function stranger(database: TestDatabase): Promise<{ readonly role: string; readonly session: Session }> {
  const role = `${database.name}_r`;
  await database.query(`CREATE ROLE ${role} LOGIN`);
  onTestFinished(async () => {
    await queryOnce(clusterUrl('postgres'), `DROP ROLE ${role}`).catch(() => undefined);
  });
  const connection = parseConnection(new Secret(clusterUrl(database.name, role)));
  const session = openSession({ connection, mode: 'read-only', limits: LIMITS, applicationName: 'test' });
  onTestFinished(() => session[Symbol.asyncDispose]());
  return { role, session };
}

/** What pg_dump itself says; nothing where it may dump all. */
async function complaint(database: TestDatabase, role: string): Promise<string> {
  const connection = parseConnection(new Secret(clusterUrl(database.name, role)));
  const env = programEnvironment('stock', libpqEnvironment(connection));
  return run('pg_dump', ['-Fc', '--no-sync', '-f', '/dev/null'], { env }).then(
    () => '',
    (error: unknown) => String(error),
  );
}

/** Makes something a part of an extension, as CREATE EXTENSION would have left it. */
function ofExtension(kind: 'class' | 'namespace', name: string): string {
  return `INSERT INTO pg_depend SELECT 'pg_${kind}'::regclass, '${name}'::reg${kind}, 0, 'pg_extension'::regclass, oid, 0, 'e'
            FROM pg_extension WHERE extname = 'plpgsql'`;
}

test.for<[situation: string, missing: readonly string[], script: string]>([
  ['a table', ['tables'], `CREATE TABLE t (id int)`],
  ['a table of which one column may be read', ['tables'], `CREATE TABLE t (id int); GRANT SELECT (id) ON t TO $ROLE`],
  ['a table that everyone may read', [], `CREATE TABLE t (id int); GRANT SELECT ON t TO PUBLIC`],
  ['a table of its own', [], `CREATE TABLE t (id serial); ALTER TABLE t OWNER TO $ROLE`],
  ['a sequence that may be used but not read', ['sequences'], `CREATE SEQUENCE s; GRANT USAGE ON s TO $ROLE`],
  [
    'the sequence behind an identity column',
    ['sequences'],
    `CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY); GRANT SELECT ON t TO $ROLE`,
  ],
  ['a partitioned table of which only the leaf may be read', ['tables'], `$PARTED; GRANT SELECT ON leaf TO $ROLE`],
  [
    'row-level security on the root of a partitioned table, which no dump copies from',
    [],
    `$PARTED; GRANT SELECT ON root, leaf TO $ROLE; ALTER TABLE root ENABLE ROW LEVEL SECURITY`,
  ],
  [
    'row-level security on a leaf',
    ['row-level security'],
    `$PARTED; GRANT SELECT ON root, leaf TO $ROLE; ALTER TABLE leaf ENABLE ROW LEVEL SECURITY`,
  ],
  [
    'row-level security on a table of its own',
    [],
    `CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t OWNER TO $ROLE`,
  ],
  [
    'row-level security that holds for the owner too',
    ['row-level security'],
    `CREATE TABLE t (id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
     ALTER TABLE t OWNER TO $ROLE`,
  ],
  [
    'a closed schema with a table',
    ['schemas'],
    `CREATE SCHEMA c; CREATE TABLE c.t (id int); GRANT SELECT ON c.t TO $ROLE`,
  ],
  [
    'a closed schema without anything to read',
    [],
    `CREATE SCHEMA c; CREATE VIEW c.v AS SELECT 1; CREATE MATERIALIZED VIEW c.m AS SELECT 1; CREATE TYPE c.e AS ENUM ('x')`,
  ],
  [
    'a closed schema with nothing but tables of an extension',
    [],
    `CREATE SCHEMA c; CREATE TABLE c.t (id int); ${ofExtension('class', 'c.t')}`,
  ],
  [
    'a table of ours in the closed schema of an extension',
    ['schemas'],
    `CREATE SCHEMA c; ${ofExtension('namespace', 'c')}; CREATE TABLE c.t (id int); GRANT SELECT ON c.t TO $ROLE`,
  ],
  ['a sequence of an extension', [], `CREATE SEQUENCE s; ${ofExtension('class', 's')}`],
  ['a large object', ['large objects'], `SELECT lo_create(4711)`],
  ['a large object that may be read', [], `SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO $ROLE`],
  ['a function and a domain', [], `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE DOMAIN d AS int`],
])('of %s the preflight thinks as pg_dump does', async ([, missing, script], { database }) => {
  const { role, session } = await stranger(database);
  const parted = `CREATE TABLE root (id int) PARTITION BY RANGE (id);
                  CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (9)`;
  await database.query(script.replaceAll('$ROLE', role).replaceAll('$PARTED', parted));
  const rights = await readRights(session);
  expect(rights.missing.map(({ kind }) => kind)).toEqual(missing);
  expect(await complaint(database, role)).toMatch(missing.length === 0 ? /^$/ : /permission denied|row-level security/);
});

test('all that is missing is named at once, and the statements mend it', async ({ database }) => {
  await database.query(`
    CREATE TABLE invoices (id int); CREATE TABLE "Odd name" (id int);
    CREATE TABLE secrets (id int); ALTER TABLE secrets ENABLE ROW LEVEL SECURITY`);
  const { role, session } = await stranger(database);
  await database.query(`GRANT SELECT ON secrets TO ${role}`);
  const statements: string[] = [];
  await expect(requireRights(session)).rejects.toSatisfy((error) => {
    expect(error).toMatchObject({
      code: 'PERMISSION_MISSING',
      exitCode: 4,
      detail: 'preflight.rights',
      message:
        `${role} may not read 2 tables: public."Odd name", public.invoices; ` +
        `row-level security hides rows of 1 table from ${role}: public.secrets`,
    });
    if (error instanceof Error && 'commands' in error && Array.isArray(error.commands))
      statements.push(...error.commands.map(String));
    return true;
  });
  expect(statements).toEqual([
    `GRANT SELECT ON TABLE public."Odd name", public.invoices TO ${role};`,
    `ALTER ROLE ${role} BYPASSRLS; -- as a superuser`,
  ]);
  for (const statement of statements) await database.query(statement);
  await requireRights(session);
  expect(await complaint(database, role)).toBe('');
});
