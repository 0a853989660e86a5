/**
 * How long the four rules that HotMesh ships with take over a grown application, and how long the longest transaction of
 * each is: 200,000 jobs of 120 days with 1.9 million attributes, and 500,000 messages. The server flushes what it commits.
 * Run it with `node bench/hotmesh.ts [jobs]`; 200,000 where left out.
 */
import { Client } from 'pg';
import { parseConnection } from '../src/adapters/connection.ts';
import { openSession } from '../src/adapters/postgres.ts';
import { Secret } from '../src/base/secret.ts';
import { prune } from '../src/tasks/prune.ts';
import { makeHotmesh, type Queries } from '../test/support/hotmesh.ts';
import { planTask, performSteps } from '../test/support/run-task.ts';
import { openDurableServer } from './prune-events.ts';
import { printTargets } from './targets.ts';

const JOBS = Number(process.argv[2] ?? 200_000);

const { cluster } = await openDurableServer();
await using held = cluster;
const connection = parseConnection(new Secret(held.url('postgres')));
const database: Queries = {
  query: async (text) => {
    const { host, port, user } = connection;
    const client = new Client({ host, port, user, database: 'postgres' });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  },
};
await makeHotmesh(database, 'app', 'new');
await fill();
const [facts] = await database.query<Record<string, number>>(
  `SELECT (SELECT count(*)::int FROM app.jobs) AS jobs, (SELECT count(*)::int FROM app.jobs_attributes) AS attributes,
          (SELECT count(*)::int FROM app.engine_streams) + (SELECT count(*)::int FROM app.worker_streams) AS messages`,
);
console.table(facts);

await using session = openSession({
  connection,
  mode: 'read-write',
  limits: { connectTimeoutMs: 10_000, statementTimeoutMs: 60_000, lockTimeoutMs: 5_000 },
  applicationName: 'maint/bench',
});
const startedAt = performance.now();
const steps = await planTask(prune, { hotmesh: {}, pace: 'full' }, { database: session });
const lookedMs = performance.now() - startedAt;
const table: Record<string, unknown>[] = [];
for (const step of steps) {
  const begunAt = performance.now();
  const [outcome] = await performSteps([step], { database: session });
  table.push({
    step: step.title,
    status: outcome?.status,
    rows: outcome?.facts?.['rows'],
    attributes: outcome?.facts?.['attributes'],
    seconds: Math.round(performance.now() - begunAt) / 1_000,
    batches: outcome?.facts?.['batches'],
    'p99 ms': Math.round(Number(outcome?.facts?.['p99Ms'])),
    'longest ms': Math.round(Number(outcome?.facts?.['longestMs'])),
  });
}
console.table(table);
console.log(`looked for ${Math.round(lookedMs)} ms`);
const rules = table.slice(0, -1);
printTargets([
  {
    claim: 'the four rules together',
    value: rules.reduce((sum, { seconds }) => sum + Number(seconds), 0),
    atMost: 15,
    unit: 's',
  },
  {
    claim: 'longest transaction',
    value: Math.max(...rules.map((rule) => Number(rule['longest ms']))),
    atMost: 500,
    unit: 'ms',
  },
]);

/** Ages, kinds and states in no order; every eighth message is open or asleep. */
async function fill(): Promise<void> {
  const day = (minutes: string): string => `now() - (${minutes}) * interval '1 minute'`;
  const span = 120 * 24 * 60;
  await database.query(`
    SET session_replication_role = replica;
    INSERT INTO app.jobs (key, entity, status, created_at, updated_at, expired_at, is_live, pruned_at)
    SELECT 'hmsh:app:j:job' || n, CASE WHEN n % 5 < 2 THEN 'book' END,
           CASE WHEN n % 31 = 0 THEN 2 WHEN n % 53 = 0 THEN -999999998 ELSE 0 END,
           ${day(`old + 5`)}, ${day(`old`)}, CASE WHEN n % 31 > 0 THEN ${day(`old`)} END, true,
           CASE WHEN n % 5 < 2 AND old > 100 * 24 * 60 AND n % 31 > 0 AND n % 3 = 0 THEN ${day(`old - 7 * 24 * 60`)} END
      FROM (SELECT n, n * 7919::bigint % ${span} AS old FROM generate_series(1, ${JOBS}) n) g;
    INSERT INTO app.jobs_attributes (job_id, symbol, dimension, value, type)
    SELECT id, type || n, CASE WHEN type IN ('adata', 'hmark') THEN ',0,' || n ELSE '' END, md5(id::text || type || n),
           type::app.type_enum
      FROM app.jobs, (VALUES ('jdata', 2), ('jmark', 2), ('udata', 1), ('adata', 4), ('other', 1)) kinds(type, many),
           generate_series(1, many) n
     WHERE pruned_at IS NULL OR type NOT IN ('adata', 'other');
    INSERT INTO app.engine_streams (stream_name, message, created_at, expired_at)
    SELECT 'app', repeat(md5(n::text), 8), ${day(`old`)}, CASE WHEN n % 8 > 0 THEN ${day(`old`)} END
      FROM (SELECT n, n * 104729::bigint % ${span} AS old FROM generate_series(1, ${JOBS} * 7 / 4) n) g;
    INSERT INTO app.worker_streams (stream_name, message, created_at, expired_at)
    SELECT 'queue ' || n % 5, repeat(md5(n::text), 8), ${day(`old`)}, CASE WHEN n % 8 > 0 THEN ${day(`old`)} END
      FROM (SELECT n, n * 104729::bigint % ${span} AS old FROM generate_series(1, ${JOBS} * 3 / 4) n) g`);
  await database.query('VACUUM ANALYZE');
}
