import { describe, expect } from 'vitest';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import { readCatalog, readSetting, type Catalog } from '../../src/backups/catalog.ts';
import { LIMITS, test, type TestDatabase } from '../support/database.ts';

async function catalogOf({ url }: TestDatabase, user = 'postgres'): Promise<Catalog> {
  const connection = parseConnection(new Secret(url.replace('postgres@', `${user}@`)));
  await using session = openSession({ connection, mode: 'read-only', limits: LIMITS, applicationName: 'test' });
  await using snapshot = await session.snapshot({});
  return await readCatalog(snapshot);
}

const SCHEMA = `
  CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, age int CHECK (age > 0));
  INSERT INTO users (age) VALUES (1), (2);
  CREATE INDEX ON users (age);
  CREATE TABLE logs (at date) PARTITION BY RANGE (at);
  CREATE TABLE logs_2026 PARTITION OF logs DEFAULT;
  CREATE VIEW adults AS SELECT * FROM users;
  CREATE MATERIALIZED VIEW summary AS SELECT count(*) FROM users;
  CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE TRIGGER quiet AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION nothing();
  CREATE POLICY everyone ON users USING (true);
  CREATE SEQUENCE "Odd one"; CREATE SEQUENCE far START 9223372036854775806; SELECT nextval('far');
  SELECT lo_create(0), lo_create(0);
  CREATE TEMP TABLE mine (id serial);
  CREATE PUBLICATION everything FOR TABLE users;`;

describe('the catalog of a database', () => {
  test('counts what a restore must bring back, and nothing of the system or of a session', async ({ database }) => {
    await database.query(SCHEMA);
    const { objects, sequences } = await catalogOf(database);
    expect(objects).toEqual({
      constraints: 2,
      eventTriggers: 0,
      functions: 1,
      indexes: 2,
      largeObjects: 2,
      materializedViews: 1,
      partitionedTables: 1,
      policies: 1,
      publications: 1,
      schemas: 1,
      sequences: 3,
      subscriptions: 0,
      tables: 2,
      triggers: 1,
      views: 1,
    });
    expect(sequences).toEqual({
      'public."Odd one"': null,
      'public.far': '9223372036854775806',
      'public.users_id_seq': '2',
    });
  });

  test('names roles, settings, extensions and the databases beside it', async ({ database }) => {
    const { name } = database;
    const query = (text: string): Promise<unknown> => database.query(text);
    await query(`CREATE ROLE "${name}_a"; CREATE ROLE "${name}_b"; CREATE ROLE "${name}_c"`);
    await query(`
      CREATE TABLE owned (); ALTER TABLE owned OWNER TO "${name}_a"; GRANT SELECT ON owned TO "${name}_b";
      ALTER DATABASE "${name}" SET search_path = app, public;
      ALTER ROLE "${name}_b" IN DATABASE "${name}" SET statement_timeout = '5s';
      ALTER DATABASE "${name}" SET app.api_key = 'abc'`);
    const { roles, settings, extensions, elsewhere, untold } = await catalogOf(database);
    expect(roles).toEqual(['postgres', `${name}_a`, `${name}_b`]);
    expect(settings).toEqual([
      { role: null, name: 'app.api_key', value: null },
      { role: null, name: 'search_path', value: 'app, public' },
      { role: `${name}_b`, name: 'statement_timeout', value: '5s' },
    ]);
    expect(extensions).toEqual([]);
    expect(untold).toEqual([]);
    expect(elsewhere).not.toContain(`the database ${name} of the same server`);
    await query(`DROP TABLE owned; DROP OWNED BY "${name}_b"; DROP ROLE "${name}_a"; DROP ROLE "${name}_c"`);
    await query(`ALTER ROLE "${name}_b" IN DATABASE "${name}" RESET ALL; DROP ROLE "${name}_b"`);
  });

  test('tells which cluster it is, how large, in which locale, and how far', async ({ database }) => {
    const { server, lsn } = await catalogOf(database);
    expect(server).toEqual({
      systemIdentifier: expect.stringMatching(/^\d{15,}$/),
      timeline: 1,
      collate: expect.any(String),
      ctype: expect.any(String),
      localeProvider: 'libc',
      sizeBytes: expect.any(Number),
      dataChecksums: expect.any(Boolean),
    });
    expect(lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
  });

  test('goes without what the server does not tell, and names it', async ({ database }) => {
    const { name } = database;
    const query = (text: string): Promise<unknown> => database.query(text);
    await query(`CREATE ROLE "${name}" LOGIN; CREATE TABLE users (id serial)`);
    await query(
      'REVOKE SELECT ON pg_db_role_setting FROM public; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public',
    );
    const { server, settings, untold, sequences } = await catalogOf(database, name);
    expect(untold).toEqual([expect.stringMatching(/^settings: .*permission denied/)]);
    expect(settings).toEqual([]);
    expect(server.systemIdentifier).toBeUndefined();
    expect(server.sizeBytes).toBeGreaterThan(0);
    expect(sequences).toEqual({ 'public.users_id_seq': null });
    await query(`DROP ROLE "${name}"`);
  });
});

describe('the value of a setting', () => {
  test.for([
    ['app.jwt_secret=x', true],
    ['app.database_url=x', true],
    ['app.endpoint=postgres://user:password@host/db', true],
    ['session_preload_libraries=auth_delay', false],
    ['password_encryption=scram-sha-256', false],
    ['search_path="$user", public', false],
    ['app.tenant=a=b', false],
    ['log_line_prefix=%m', false],
  ] as const)('of %s is hidden: %s', ([setting, isHidden]) => {
    const { value } = readSetting({ role: null, setting });
    expect(value).toBe(isHidden ? null : setting.slice(setting.indexOf('=') + 1));
  });
});
