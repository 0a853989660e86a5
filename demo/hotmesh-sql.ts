/** Tables in the layout of HotMesh's durable workflows, with some weeks of finished, running and expired jobs. */
export const HOTMESH_SQL: readonly string[] = [
  `CREATE SCHEMA durable`,
  `CREATE TYPE durable.type_enum AS ENUM ('jmark', 'hmark', 'status', 'jdata', 'adata', 'udata', 'other')`,
  `CREATE TABLE durable.jobs (
     id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, key text NOT NULL, entity text, origin_id text, parent_id text,
     status integer NOT NULL, context jsonb DEFAULT '{}', created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
     expired_at timestamptz, pruned_at timestamptz, is_live boolean DEFAULT true) PARTITION BY HASH (id)`,
  ...leaves('jobs'),
  `CREATE TABLE durable.jobs_attributes (
     job_id uuid NOT NULL REFERENCES durable.jobs ON DELETE CASCADE, symbol text NOT NULL, dimension text NOT NULL DEFAULT '',
     value text, type durable.type_enum NOT NULL, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
     PRIMARY KEY (job_id, symbol, dimension)) PARTITION BY HASH (job_id)`,
  ...leaves('jobs_attributes'),
  `CREATE TABLE durable.engine_streams (
     stream_name text NOT NULL, id bigserial, jid text NOT NULL DEFAULT '', message text NOT NULL, created_at timestamptz DEFAULT now(),
     reserved_at timestamptz, reserved_by text, expired_at timestamptz, dead_lettered_at timestamptz,
     visible_at timestamptz DEFAULT now(), retry_attempt integer DEFAULT 0, priority integer DEFAULT 0,
     PRIMARY KEY (stream_name, id)) PARTITION BY HASH (stream_name)`,
  ...leaves('engine_streams'),
  `CREATE TABLE durable.worker_streams (
     stream_name text NOT NULL, id bigserial, jid text NOT NULL DEFAULT '', workflow_name text, topic text, message text NOT NULL,
     created_at timestamptz DEFAULT now(), reserved_at timestamptz, reserved_by text, expired_at timestamptz,
     dead_lettered_at timestamptz, visible_at timestamptz DEFAULT now(), retry_attempt integer DEFAULT 0,
     PRIMARY KEY (stream_name, id)) PARTITION BY HASH (stream_name)`,
  ...leaves('worker_streams'),
  `CREATE TABLE durable.signal_registry (key text PRIMARY KEY, value text NOT NULL, expiry timestamptz)`,

  `INSERT INTO durable.jobs (id, key, entity, status, created_at, updated_at, expired_at)
   SELECT md5('job ' || n)::uuid, 'hmsh:durable:j:welcome-' || n, CASE WHEN n % 3 > 0 THEN 'newsletter' END,
          CASE WHEN n % 20 = 0 THEN 2 WHEN n % 33 = 0 THEN -999999998 ELSE 0 END,
          now() - n * interval '3 hours', now() - n * interval '3 hours' + interval '40 seconds',
          CASE WHEN n % 20 > 0 THEN now() - n * interval '3 hours' + interval '30 days' END
     FROM generate_series(1, 400) AS n`,
  `INSERT INTO durable.jobs_attributes (job_id, symbol, dimension, value, type)
   SELECT jobs.id, chr(97 + n) || 'aa', CASE WHEN n < 9 THEN ',0,0' ELSE '' END, md5(jobs.key || n),
          (CASE WHEN n < 9 THEN 'adata' WHEN n = 9 THEN 'jmark' ELSE 'jdata' END)::durable.type_enum
     FROM durable.jobs, generate_series(1, 12) AS n`,
  `INSERT INTO durable.engine_streams (stream_name, jid, message, created_at, expired_at)
   SELECT 'durable', 'welcome-' || n, jsonb_build_object('type', 'timehook', 'job', n)::text,
          now() - n * interval '1 hour', CASE WHEN n % 50 > 0 THEN now() - n * interval '1 hour' END
     FROM generate_series(1, 3000) AS n`,
  `INSERT INTO durable.worker_streams (stream_name, jid, workflow_name, topic, message, created_at, expired_at)
   SELECT 'mail-activity', 'welcome-' || n, 'welcome', 'mail', jsonb_build_object('to', 'user' || n || '@example.com')::text,
          now() - n * interval '3 hours', now() - n * interval '3 hours'
     FROM generate_series(1, 400) AS n`,
];

/** HotMesh keeps each of these tables in eight partitions. */
function leaves(table: string): readonly string[] {
  return Array.from(
    { length: 8 },
    (_, leaf) =>
      `CREATE TABLE durable.${table}_part_${leaf} PARTITION OF durable.${table} FOR VALUES WITH (MODULUS 8, REMAINDER ${leaf})`,
  );
}
