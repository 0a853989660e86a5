/** A messenger by the name of Pigeon: users, messages, attachments, and the dust that such an app gathers. */
export const APP_SQL: readonly string[] = [
  `CREATE TABLE users (
     id uuid PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, settings jsonb NOT NULL, joined_at timestamptz NOT NULL)`,
  `INSERT INTO users
   SELECT md5('user ' || n)::uuid, 'user' || n || '@example.com',
          (ARRAY['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Radia'])[1 + n % 6] || ' ' || n,
          jsonb_build_object('theme', (ARRAY['dark', 'light', 'system'])[1 + n % 3], 'locale', 'en-GB'),
          now() - n * interval '7 hours'
     FROM generate_series(1, 2000) AS n`,
  `CREATE TABLE messages (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sender uuid NOT NULL REFERENCES users,
     body jsonb NOT NULL, sent_at timestamptz NOT NULL)`,
  `INSERT INTO messages (sender, body, sent_at)
   SELECT md5('user ' || 1 + n % 2000)::uuid,
          jsonb_build_object('text', 'See you at ' || n % 24 || ':' || lpad((n % 60)::text, 2, '0') || ', ' || md5(n::text),
                             'client', (ARRAY['web', 'ios', 'android'])[1 + n % 3], 'read', n % 5 > 0),
          now() - (20000 - n) * interval '4 minutes'
     FROM generate_series(1, 20000) AS n`,
  `CREATE INDEX messages_sent_at ON messages (sent_at)`,

  // A large object, which lives beside the tables and is easily forgotten by a backup.
  `CREATE TABLE attachments (message bigint PRIMARY KEY REFERENCES messages, name text NOT NULL, content oid NOT NULL)`,
  `INSERT INTO attachments
   SELECT 1, 'holiday.jpg', lo_from_bytea(0, string_agg(decode(md5(n::text), 'hex'), ''::bytea))
     FROM generate_series(1, 20000) AS n`,

  // A bloated index: nearly all sessions are gone, their pages stayed.
  `CREATE TABLE sessions (token text PRIMARY KEY, user_id uuid NOT NULL, seen_at timestamptz NOT NULL)`,
  `INSERT INTO sessions
   SELECT md5('session ' || n), md5('user ' || 1 + n % 2000)::uuid, now() - n * interval '1 minute'
     FROM generate_series(1, 40000) AS n`,
  `DELETE FROM sessions WHERE seen_at < now() - interval '1 day'`,
  `VACUUM sessions`,

  // A sequence near its end: a four-byte counter of receipts that has used up 97 % of its numbers.
  `CREATE TABLE receipts (id serial PRIMARY KEY, message bigint NOT NULL, read_at timestamptz NOT NULL)`,
  `ALTER SEQUENCE receipts_id_seq RESTART WITH 2083059138`,
  `INSERT INTO receipts (message, read_at) SELECT id, sent_at + interval '1 minute' FROM messages WHERE id % 4 = 0`,
];
