/**
 * SQL that fills a database with what a production application holds: JSONB events with uuid keys, users, incompressible
 * bytes, many small tables, a materialised view and large objects. `scale` 1 is about 1.4 GB on disk.
 */
export function mixedDatabase(scale: number): readonly string[] {
  const events = Math.round(2_400_000 * scale);
  const users = Math.round(400_000 * scale);
  const files = Math.round(3_200 * scale);
  return [
    `CREATE SCHEMA app`,
    `CREATE TABLE app.users (id uuid PRIMARY KEY, email text NOT NULL, name text NOT NULL, settings jsonb NOT NULL,
                             created_at timestamptz NOT NULL)`,
    `INSERT INTO app.users
     SELECT gen_random_uuid(), 'user' || n || '@example.com', initcap(substr(md5(n::text), 1, 9)),
            jsonb_build_object('theme', (ARRAY['dark', 'light', 'system'])[1 + n % 3], 'locale', 'en-GB'),
            timestamptz '2024-01-01' + n * interval '47 seconds'
       FROM generate_series(1, ${users}) AS n`,
    `CREATE TABLE app.events (id uuid PRIMARY KEY, user_id uuid NOT NULL, kind text NOT NULL, payload jsonb NOT NULL,
                              created_at timestamptz NOT NULL)`,
    `INSERT INTO app.events
     SELECT gen_random_uuid(), gen_random_uuid(), (ARRAY['page.view', 'message.sent', 'login', 'payment'])[1 + n % 4],
            jsonb_build_object('path', '/projects/' || n % 9973 || '/tasks/' || n, 'ms', (random() * 900)::int,
              'agent', (ARRAY['Mozilla/5.0 (X11; Linux x86_64)', 'Mozilla/5.0 (Macintosh)', 'okhttp/4.12'])[1 + n % 3],
              'ip', '10.' || n % 256 || '.' || n / 256 % 256 || '.' || n % 199, 'trace', md5(n::text || random())),
            timestamptz '2025-01-01' + n * interval '11 seconds'
       FROM generate_series(1, ${events}) AS n`,
    `CREATE INDEX events_user ON app.events (user_id)`,
    `CREATE TABLE app.files (id bigint PRIMARY KEY, name text NOT NULL, content bytea NOT NULL)`,
    `ALTER TABLE app.files ALTER COLUMN content SET STORAGE EXTERNAL`,
    `INSERT INTO app.files
     SELECT n, 'photo-' || n || '.jpg',
            (SELECT string_agg(uuid_send(gen_random_uuid()), ''::bytea) FROM generate_series(1, 4096 + 0 * n))
       FROM generate_series(1, ${files}) AS n`,
    `DO $$ BEGIN
       FOR n IN 1..200 LOOP
         EXECUTE format('CREATE TABLE app.%I AS SELECT i AS id, md5(i::text) AS note FROM generate_series(1, 250) AS i',
                        'lookup_' || n);
       END LOOP;
     END $$`,
    `CREATE MATERIALIZED VIEW app.per_day AS
     SELECT date_trunc('day', created_at) AS day, kind, count(*) AS events FROM app.events GROUP BY 1, 2`,
    `DO $$ BEGIN PERFORM lo_from_bytea(0, decode(repeat(md5(n::text), 600), 'hex')) FROM generate_series(1, 200) AS n; END $$`,
    `ANALYZE`,
  ];
}
