import { putJobs, putMessages, type Job, type Layout, type Message, type Queries } from './hotmesh.ts';

/** A mix of everything that rules decide about, the same each time. */
export async function putMix(database: Queries, schema: string, layout: Layout, size: number): Promise<void> {
  await putJobs(
    database,
    schema,
    layout,
    Array.from({ length: size }, (_, index) => jobOf(index)),
  );
  await putMessages(
    database,
    schema,
    layout,
    Array.from({ length: size * 2 }, (_, index) => messageOf(index)),
  );
}

/** Neighbouring numbers share no pattern. */
const mixed = (index: number, of: number): number => ((index * 7_919 + 13) % 10_007) % of;

function jobOf(index: number): Job {
  const status = [0, 0, 0, 0, 2, -999_999_998][mixed(index, 6)] ?? 0;
  const endedAge = mixed(index + 1, 120) + 1 / 3;
  const isPruned = mixed(index + 4, 4) === 0;
  return {
    key: `hmsh:app:j:job${index}`,
    entity: mixed(index + 2, 2) === 0 ? null : 'book',
    status,
    endedAge,
    expiredAge: status > 0 ? null : endedAge - mixed(index + 3, 3) * 15 - 1 / 4,
    prunedAge: isPruned ? endedAge : null,
    isLive: mixed(index + 5, 3) > 0,
    attributes: { jdata: 2, udata: 1, jmark: 2, hmark: 1, ...(!isPruned && { adata: 4, other: 2 }) },
  };
}

function messageOf(index: number): Message {
  const createdAge = mixed(index, 40) + 1 / 3;
  return {
    queue: mixed(index + 1, 2) === 0 ? 'app' : `queue ${mixed(index + 2, 3)}`,
    createdAge,
    endedAge: mixed(index + 3, 8) === 0 ? null : createdAge,
    visibleIn: mixed(index + 4, 60) - 30,
    isDead: mixed(index + 5, 20) === 0,
  };
}

/** What there is in a schema, short enough to compare: which jobs and messages, which are marked, which attributes. */
export async function digestOf(database: Queries, schema: string, layout: Layout): Promise<unknown> {
  const tables = layout === 'new' ? ['engine_streams', 'worker_streams'] : ['streams'];
  return database.query(`
    SELECT count(*)::int AS jobs, count(to_jsonb(j)->>'pruned_at')::int AS pruned,
           md5(string_agg(concat_ws('|', key, entity, status, is_live, (to_jsonb(j)->>'pruned_at') IS NULL,
             (SELECT string_agg(concat_ws(',', a.type, a.value), ' ' ORDER BY a.type, a.value)
                FROM ${schema}.jobs_attributes a WHERE a.job_id = j.id)), E'\\n' ORDER BY key)) AS bytes,
           ${tables
             .map(
               (table) => `(SELECT md5(string_agg(concat_ws('|', stream_name, message, expired_at IS NULL), ' '
                              ORDER BY stream_name, message, expired_at IS NULL)) FROM ${schema}.${table}) AS ${table}`,
             )
             .join(', ')}
      FROM ${schema}.jobs j`);
}

/** Jobs that are marked and still have scaffolding, or have lost some without a mark. */
export async function halfStripped(database: Queries, schema: string): Promise<number | undefined> {
  const [row] = await database.query<{ jobs: number }>(`
    SELECT count(*)::int AS jobs
      FROM ${schema}.jobs j,
           LATERAL (SELECT count(*) FILTER (WHERE type IN ('adata', 'other', 'status')) AS scaffolding
                      FROM ${schema}.jobs_attributes a WHERE a.job_id = j.id) had
     WHERE j.entity IS NOT NULL AND (pruned_at IS NULL) <> (scaffolding > 0)`);
  return row?.jobs;
}
