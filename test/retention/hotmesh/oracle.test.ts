import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { prune } from '../../../src/tasks/prune.ts';
import { test, type TestDatabase } from '../../support/database.ts';
import {
  ATTRIBUTE_TYPES,
  makeHotmesh,
  putJobs,
  putMessages,
  putSignals,
  type Job,
  type Layout,
  type Message,
} from '../../support/hotmesh.ts';
import { runTask } from '../../support/run-task.ts';

/** A third of a day keeps every age away from every limit, so that the length of the test decides about nothing. */
const age = fc.integer({ min: 0, max: 30 }).map((days) => days + 1 / 3);

const jobs: fc.Arbitrary<readonly Job[]> = fc
  .array(
    fc.record({
      entity: fc.constantFrom(null, 'book', 'order'),
      status: fc.constantFrom(0, 0, 0, 1, 3, -1, -999_999_998),
      endedAge: age,
      expiredAge: fc.oneof(
        fc.constant(null),
        age,
        age.map((days) => -days),
      ),
      prunedAge: fc.option(age, { freq: 3 }),
      isLive: fc.boolean(),
      attributes: fc.record(Object.fromEntries(ATTRIBUTE_TYPES.map((type) => [type, fc.integer({ min: 0, max: 3 })]))),
    }),
    { maxLength: 60, size: 'max' },
  )
  .map((all) => all.map((job, index) => ({ ...job, key: `hmsh:app:j:job${index}` })));

const messages: fc.Arbitrary<readonly Message[]> = fc.array(
  fc.record({
    queue: fc.constantFrom('app', 'queue a', 'queue b'),
    createdAge: age,
    endedAge: fc.option(age, { freq: 2 }),
    visibleIn: fc.integer({ min: -20, max: 40 }),
    isDead: fc.boolean(),
  }),
  { maxLength: 60, size: 'max' },
);

interface Chosen {
  /** Days, by kind of rule. */
  readonly ages: Readonly<Record<'streams' | 'transient' | 'entity' | 'pruned', number>>;
  readonly all: readonly { readonly action: string; readonly hasEntity?: boolean; readonly pruned?: boolean }[];
}

const days = fc.integer({ min: 1, max: 25 });
const rules: fc.Arbitrary<Chosen> = fc
  .record({ streams: days, transient: days, entity: days, pruned: days, isShuffled: fc.boolean() })
  .map(({ streams, transient, entity, pruned, isShuffled }) => {
    const all = [
      { target: 'streams', action: 'delete', olderThan: `${streams} days` },
      { target: 'jobs', action: 'delete', olderThan: `${transient} days`, hasEntity: false },
      { target: 'jobs', action: 'prune', olderThan: `${entity * 24} hours`, hasEntity: true },
      { target: 'jobs', action: 'delete', olderThan: `${pruned} days`, pruned: true },
    ];
    return { ages: { streams, transient, entity, pruned }, all: isShuffled ? all.toReversed() : all };
  });

interface Kept {
  readonly isThere: boolean;
  readonly isPruned: boolean;
  /** Was it this run that pruned it? */
  readonly isStripped: boolean;
}

/** The documented meaning, said again without the code: what is left of a job. */
function keptOf(job: Job, layout: Layout, { ages, all }: Chosen): Kept {
  const isNew = layout === 'new';
  let kept: Kept = { isThere: true, isPruned: isNew && job.prunedAge !== null, isStripped: false };
  let prunedAge = job.prunedAge;
  const isOver = (limit: number): boolean => job.expiredAge !== null && job.expiredAge > limit;
  for (const { action, hasEntity, pruned } of all) {
    if (action === 'delete' && hasEntity === false && job.entity === null && job.status <= 0 && isOver(ages.transient))
      kept = { ...kept, isThere: false };
    const isOld = isNew ? job.endedAge > ages.entity : isOver(ages.entity);
    if (action === 'prune' && job.entity !== null && job.status === 0 && !kept.isPruned && isOld) {
      kept = { ...kept, isPruned: isNew, isStripped: true };
      prunedAge = 0;
    }
    if (pruned === true && isNew && prunedAge !== null && prunedAge > ages.pruned && job.status <= 0)
      kept = { ...kept, isThere: false };
  }
  return kept;
}

const SCAFFOLDING = new Set(['adata', 'other', 'status']);

interface Attribute {
  readonly job_key: string;
  readonly type: string;
}

interface State {
  readonly jobs: readonly { readonly key: string; readonly pruned_at?: string | null }[];
  readonly attributes: readonly Attribute[];
  readonly messages: readonly { readonly message: string; readonly expired_at: string | null }[];
  readonly signals: readonly unknown[];
}

const tablesOf = (layout: Layout): readonly string[] =>
  layout === 'new' ? ['engine_streams', 'worker_streams'] : ['streams'];

/** Everything there is, byte by byte. */
async function stateOf(database: TestDatabase, layout: Layout): Promise<State> {
  const tables = tablesOf(layout);
  const [row] = await database.query<{ state: State }>(`
    SELECT json_build_object(
      'jobs', (SELECT coalesce(json_agg(j ORDER BY j.key), '[]') FROM app.jobs j),
      'attributes', (SELECT coalesce(json_agg(to_jsonb(a) || jsonb_build_object('job_key', j.key) ORDER BY j.key, a.type, a.value), '[]')
                       FROM app.jobs_attributes a JOIN app.jobs j ON j.id = a.job_id),
      'messages', (SELECT coalesce(json_agg(m ORDER BY m.message, m.created_at, m.queue_table), '[]')
                     FROM (${tables.map((table) => `SELECT *, '${table}' AS queue_table FROM app.${table}`).join(' UNION ALL ')}) m),
      'signals', (SELECT json_agg(s ORDER BY key) FROM app.signal_registry s)) AS state`);
  if (row === undefined) throw new Error('there is no state');
  return row.state;
}

async function clear(database: TestDatabase, layout: Layout): Promise<void> {
  const tables = [...tablesOf(layout), 'jobs_attributes', 'jobs', 'signal_registry'];
  await database.query(tables.map((table) => `DELETE FROM app.${table};`).join(' '));
}

const oldEnough = (expired: string | null, limit: number, now: number): boolean =>
  expired !== null && now - Date.parse(expired) > limit * 86_400_000;

describe.each<Layout>(['new', 'old'])('the rules of HotMesh over the %s layout', (layout) => {
  test(
    'take what is documented, and leave every other byte as it was',
    { timeout: 240_000 },
    async ({ database, session }) => {
      await makeHotmesh(database, 'app', layout);
      await fc.assert(
        fc.asyncProperty(jobs, messages, rules, async (given, sent, chosen) => {
          await clear(database, layout);
          await putJobs(database, 'app', layout, given);
          await putMessages(database, 'app', layout, sent);
          await putSignals(database, 'app', 3);
          const before = await stateOf(database, layout);
          const settings = { hotmesh: { maintenance: { rules: chosen.all } }, pace: 'full', vacuum: false };
          const outcomes = await runTask(prune, settings, { database: session });
          const after = await stateOf(database, layout);
          const fates = new Map(given.map((job) => [job.key, keptOf(job, layout, chosen)]));
          const isThere = (key: string): boolean => fates.get(key)?.isThere === true;
          const isStripped = (key: string): boolean => fates.get(key)?.isStripped === true;
          expect(after.jobs.map(({ key, pruned_at: at }) => [key, at !== null && at !== undefined])).toEqual(
            before.jobs.filter(({ key }) => isThere(key)).map(({ key }) => [key, fates.get(key)?.isPruned]),
          );
          const unmarked = ({ jobs: all }: State): readonly unknown[] =>
            all.map((job) => (isStripped(job.key) ? { ...job, pruned_at: null } : job));
          expect(unmarked(after)).toEqual(unmarked({ ...before, jobs: before.jobs.filter(({ key }) => isThere(key)) }));
          expect(after.attributes).toEqual(
            before.attributes.filter(
              ({ job_key: key, type }) => isThere(key) && !(isStripped(key) && SCAFFOLDING.has(type)),
            ),
          );
          const now = Date.now();
          expect(after.messages).toEqual(
            before.messages.filter(({ expired_at: expired }) => !oldEnough(expired, chosen.ages.streams, now)),
          );
          expect(after.signals).toEqual(before.signals);
          expect(outcomes.filter(({ status }) => status === 'fail')).toEqual([]);
          const again = await runTask(prune, settings, { database: session });
          expect(again.map(({ facts }) => facts?.['rows'] ?? 0)).toEqual(again.map(() => 0));
          expect(await stateOf(database, layout)).toEqual(after);
        }),
        { numRuns: 15 },
      );
    },
  );
});
