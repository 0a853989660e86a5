import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { clusterUrl, queryOnce } from '../support/database.ts';
import { test, type Site } from '../support/site.ts';

function schema(role: string): string {
  return `
  CREATE ROLE ${role};
  CREATE EXTENSION citext;
  CREATE EXTENSION pg_trgm;
  CREATE SCHEMA app AUTHORIZATION ${role};
  CREATE TYPE app.mood AS ENUM ('good', 'bad');
  CREATE FUNCTION app.double(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
  CREATE TABLE app.users (id serial PRIMARY KEY, name citext UNIQUE, mood app.mood DEFAULT 'good');
  INSERT INTO app.users (name) SELECT 'user ' || n FROM generate_series(1, 3000) AS n;
  ALTER TABLE app.users OWNER TO ${role};
  CREATE INDEX ON app.users USING gin (name gin_trgm_ops);
  CREATE INDEX ON app.users (app.double(id));
  CREATE TABLE app.orders (id bigint GENERATED ALWAYS AS IDENTITY, user_id int REFERENCES app.users, picture oid);
  INSERT INTO app.orders (user_id, picture) SELECT n, lo_from_bytea(0, 'picture') FROM generate_series(1, 50) AS n;
  ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON app.orders TO ${role} USING (user_id > 0);
  GRANT SELECT ON app.orders TO ${role};
  CREATE MATERIALIZED VIEW app.names AS SELECT name FROM app.users;
  CREATE UNIQUE INDEX ON app.names (name);
  CREATE SEQUENCE app.numbers START 1000;
  SELECT nextval('app.numbers'), nextval('app.numbers');
  CREATE TABLE app.parts (id int, at date) PARTITION BY RANGE (at);
  CREATE TABLE app.parts_2026 PARTITION OF app.parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  INSERT INTO app.parts VALUES (1, '2026-02-03');
  COMMENT ON TABLE app.users IS 'those who ''use'' it'`;
}

function dump(site: Site, database: string, ...args: readonly string[]): string {
  const { host, port, user } = site.database.connection;
  const env = { PATH: process.env['PATH'], PGHOST: host, PGPORT: String(port), PGUSER: user };
  const text = execFileSync('pg_dump', [...args, `--dbname=${database}`], {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  // Newer versions of pg_dump begin and end a script with a random word.
  return text.replaceAll(/^\\(un)?restrict .*$/gm, '');
}

/** Without what maint keeps there for itself: who is at work changes with each run. */
function checksum(site: Site, database: string): string {
  return createHash('sha256')
    .update(dump(site, database, '--exclude-schema=maint'))
    .digest('hex');
}

async function drop(...names: readonly string[]): Promise<void> {
  for (const name of names) await queryOnce(clusterUrl('postgres'), `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
}

test('a rich database comes back with every definition, row and sequence, and swaps there and back', async ({
  site,
}) => {
  const { database } = site;
  const role = `r_${database.name}`;
  await database.query(schema(role));
  await database.query(`ALTER DATABASE ${database.name} SET work_mem = '5MB'`);
  await database.query(`ALTER DATABASE ${database.name} SET search_path = app, "$user", public`);
  await site.run('backup');
  const before = checksum(site, database.name);

  const taken = await site.run('restore', 'latest', '--to-database', database.name);
  expect(taken).toMatchObject({ exitCode: 2, stdout: '' });
  expect(checksum(site, database.name)).toBe(before);

  const copy = `${database.name}_copy`;
  const end = await site.run('restore', 'latest', '--to-database', copy);
  expect(end).toMatchObject({ exitCode: 0 });
  expect(checksum(site, database.name)).toBe(before);
  expect(dump(site, copy, '--schema-only')).toBe(dump(site, database.name, '--schema-only'));
  expect(checksum(site, copy)).toBe(before);
  const [state] = await queryOnce<{ value: string; pictures: number }>(
    clusterUrl(copy),
    `SELECT nextval('app.numbers') AS value, (SELECT count(*)::int FROM pg_largeobject_metadata) AS pictures`,
  );
  expect(state).toEqual({ value: '1002', pictures: 50 });

  const script = (lines: string): void => {
    const { host, port, user } = database.connection;
    const env = { PATH: process.env['PATH'], PGHOST: host, PGPORT: String(port), PGUSER: user };
    execFileSync('sh', ['-c', lines], { env, stdio: 'pipe' });
  };
  const [settings = '', swapping = '', undoing = ''] =
    end.stdout.match(/^psql --dbname=postgres .*<<'SQL'\n[^]*?\nSQL$/gm) ?? [];
  script(settings);
  expect(
    await queryOnce(clusterUrl(copy), `SELECT current_setting('work_mem') AS m, current_setting('search_path') AS p`),
  ).toEqual([{ m: '5MB', p: 'app, "$user", public' }]);
  await database.query('UPDATE app.users SET name = name || $$!$$');
  const damaged = checksum(site, database.name);
  script(swapping);
  expect(await database.query(`SELECT count(*)::int AS n FROM app.users WHERE name LIKE '%!'`)).toEqual([{ n: 0 }]);
  script(undoing);
  expect(checksum(site, database.name)).toBe(damaged);
  await drop(copy);
  await database.query(`REASSIGN OWNED BY ${role} TO postgres; DROP OWNED BY ${role}; DROP ROLE ${role}`);
});

test('a restored database subscribes to nothing and publishes nothing, whatever was backed up', async ({ site }) => {
  const { database } = site;
  await database.query(`
    CREATE TABLE t AS SELECT generate_series(1, 10) AS id;
    CREATE PUBLICATION everything FOR TABLE t;
    CREATE FUNCTION noticed() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE EVENT TRIGGER noticing ON ddl_command_end EXECUTE FUNCTION noticed()`);
  await database.query(`
    CREATE SUBSCRIPTION sub_${database.name} CONNECTION 'host=/nonexistent dbname=x' PUBLICATION p
      WITH (connect = false, slot_name = NONE, enabled = false)`);
  await site.run('backup');
  const copy = `${database.name}_copy`;
  expect(await site.run('restore', '--to-database', copy)).toMatchObject({ exitCode: 0 });
  const links = `
    SELECT (SELECT count(*)::int FROM pg_publication) AS publications,
           (SELECT count(*)::int
              FROM pg_subscription AS s
              JOIN pg_database AS d ON d.oid = s.subdbid
             WHERE d.datname = current_database()) AS subscriptions,
           (SELECT count(*)::int FROM pg_event_trigger) AS triggers`;
  expect(await queryOnce(clusterUrl(copy), links)).toEqual([{ publications: 0, subscriptions: 0, triggers: 1 }]);
  expect(await database.query(links)).toEqual([{ publications: 1, subscriptions: 1, triggers: 1 }]);
  await drop(copy);
  await database.query(`DROP SUBSCRIPTION sub_${database.name}`);
});
