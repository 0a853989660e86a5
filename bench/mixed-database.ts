/** Words of the invented messages; few enough to repeat, many enough not to compress away. */
const WORDS = `the a of to and in for with on by from at as is was are be has have not this that which we you they it
  server request answer customer order invoice payment refund shipment address country city street account password
  session token device browser message thread reply attachment photo video document page report chart table column
  row index query plan cache queue worker job retry timeout error warning notice success failure login logout signup
  project task board column card label comment mention review approve reject merge deploy release rollback version
  morning evening monday friday week month quarter year today tomorrow yesterday soon later never always often please
  thanks sorry great bad slow fast new old first last next previous open closed pending done blocked urgent normal`;

/**
 * SQL that fills a database with what a production application holds: JSONB events with uuid keys, users, messages,
 * incompressible bytes, many small tables, a materialised view and large objects. Scale 1 is about 1 GB on disk.
 */
export function mixedDatabase(scale: number): readonly string[] {
  const events = Math.round(1_700_000 * scale);
  const users = Math.round(300_000 * scale);
  const messages = Math.round(500_000 * scale);
  const files = Math.round(3_200 * scale);
  const words = WORDS.split(/\s+/).map((word) => `'${word}'`);
  const pick = `($1)[1 + (random() * ${words.length - 1})::int]`.replace('$1', `ARRAY[${words.join(',')}]`);
  return [
    `CREATE SCHEMA app`,
    `CREATE TABLE app.users (id uuid PRIMARY KEY, email text NOT NULL, name text NOT NULL, settings jsonb NOT NULL,
                             created_at timestamptz NOT NULL)`,
    `INSERT INTO app.users
     SELECT md5(random()::text || n)::uuid, 'user' || n || '@example.com', initcap(substr(md5(n::text), 1, 9)),
            jsonb_build_object('theme', (ARRAY['dark', 'light', 'system'])[1 + n % 3], 'locale', 'en-GB'),
            timestamptz '2024-01-01' + n * interval '47 seconds'
       FROM generate_series(1, ${users}) AS n`,
    `CREATE TABLE app.events (id uuid PRIMARY KEY, user_id uuid NOT NULL, kind text NOT NULL, payload jsonb NOT NULL,
                              created_at timestamptz NOT NULL)`,
    `INSERT INTO app.events
     SELECT md5(random()::text || n)::uuid, md5(random()::text)::uuid,
            (ARRAY['page.view', 'message.sent', 'login', 'payment'])[1 + n % 4],
            jsonb_build_object('path', '/projects/' || n % 9973 || '/tasks/' || n, 'ms', (random() * 900)::int,
              'agent', (ARRAY['Mozilla/5.0 (X11; Linux x86_64)', 'Mozilla/5.0 (Macintosh)', 'okhttp/4.12'])[1 + n % 3],
              'ip', '10.' || n % 256 || '.' || n / 256 % 256 || '.' || n % 199, 'trace', md5(n::text || random())),
            timestamptz '2025-01-01' + n * interval '11 seconds'
       FROM generate_series(1, ${events}) AS n`,
    `CREATE INDEX events_user ON app.events (user_id)`,
    `CREATE TABLE app.messages (id bigint PRIMARY KEY, body text NOT NULL)`,
    `INSERT INTO app.messages
     SELECT n, (SELECT string_agg(${pick}, ' ') FROM generate_series(1, 10 + n % 50))
       FROM generate_series(1, ${messages}) AS n`,
    `CREATE TABLE app.files (id bigint PRIMARY KEY, name text NOT NULL, content bytea NOT NULL)`,
    `ALTER TABLE app.files ALTER COLUMN content SET STORAGE EXTERNAL`,
    `INSERT INTO app.files
     SELECT n, 'photo-' || n || '.jpg',
            (SELECT string_agg(sha512((n::text || '/' || part || random())::bytea), '') FROM generate_series(1, 1024) AS part)
       FROM generate_series(1, ${files}) AS n`,
    `DO $$ BEGIN
       FOR n IN 1..200 LOOP
         EXECUTE format('CREATE TABLE app.%I AS SELECT i AS id, md5(i::text) AS note FROM generate_series(1, 250) AS i',
                        'lookup_' || n);
       END LOOP;
     END $$`,
    `CREATE MATERIALIZED VIEW app.per_day AS
     SELECT date_trunc('day', created_at) AS day, kind, count(*) AS events FROM app.events GROUP BY 1, 2`,
    `DO $$ BEGIN
       PERFORM lo_from_bytea(0, decode(repeat(md5(n::text), 600), 'hex')) FROM generate_series(1, 200) AS n;
     END $$`,
    `ANALYZE`,
    `CHECKPOINT`,
  ];
}
