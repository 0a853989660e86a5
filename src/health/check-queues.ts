import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { formatDuration, plural } from '../base/units.ts';
import { skip, type Outcome } from '../engine/outcome.ts';
import { worst } from '../engine/verdict.ts';
import { defineCheck } from './check.ts';
import { namesDiffer, nameSetting, querySetting, SAME_NAME, subquery } from './named-sql.ts';
import { discoverQueues, readQueue, type QueueReading } from './queue-rows.ts';
import { ageSettings, grade, WARNS_SOONER, warnsSooner } from './thresholds.ts';

const queuesSettings = z
  .strictObject({
    ...ageSettings('a job has been ready to run', { warnAfter: '5 min', failAfter: '30 min' }),
    maxDead: z.int().min(0).default(0).describe('Fail when more jobs than this have failed for good'),
    ignore: z
      .array(z.string().min(1))
      .default([])
      .describe('Queues to leave out, by the name that reports give them, such as graphile-worker graphile_worker'),
    others: z
      .array(
        z.strictObject({
          name: nameSetting,
          sql: querySetting.describe(
            'A query with one row and two columns: since when the oldest job is ready, null where none is, and how many have failed for good',
          ),
        }),
      )
      .refine(namesDiffer, SAME_NAME)
      .default([])
      .describe('Queues that maint does not know by itself'),
  })
  .refine(warnsSooner, WARNS_SOONER);
type QueuesSettings = z.infer<typeof queuesSettings>;

/** Queues of jobs that live in the database. */
export const queuesCheck = defineCheck({
  id: 'queues',
  dimension: 'dependencies',
  alertClass: 'ticket',
  impact: 'what the application promised to do later is not done: mails, payments, imports',
  measures: 'how long the oldest job has been ready, seconds; jobs that have failed for good',
  warns: 'ready for longer than `queues.warnAfter`',
  fails: 'ready for longer than `queues.failAfter`, or more than `queues.maxDead` failed for good',
  settings: {
    queues: queuesSettings
      .prefault({})
      .describe(
        'How long jobs may wait in the queues of graphile-worker, pg-boss and HotMesh, which are found by themselves',
      ),
  },
  questions: ({ queues }) => [{ title: 'queues', ask: (database) => checkQueues(database, queues) }],
});

/**
 * Finds the queues of this database and asks each.
 * @throws MaintError PERMISSION_MISSING where the role may not read one of them; STATEMENT_FAILED where a query of the settings is wrong
 */
async function checkQueues(database: Reader, settings: QueuesSettings): Promise<Outcome> {
  const found = (await discoverQueues(database)).filter(({ name }) => !settings.ignore.includes(name));
  const readings: QueueReading[] = [];
  for (const queue of found) readings.push(await readQueue(database, queue));
  for (const other of settings.others) readings.push(await readOther(database, other));
  return readings.length === 0 ? skip('no queue in this database') : judgeQueues(readings, settings);
}

async function readOther(
  database: Reader,
  { name, sql: query }: QueuesSettings['others'][number],
): Promise<QueueReading> {
  const [row] = await database.rows(sql<{ readyMs: number | null; dead: number | null }>`
    SELECT (extract(epoch FROM clock_timestamp() - since::timestamptz) * 1000)::float8 AS "readyMs", dead::float8 AS dead
      FROM ${subquery(query)} AS answer (since, dead) LIMIT 1`);
  return { name, readyMs: row?.readyMs ?? null, dead: row?.dead ?? 0, look: `${query};` };
}

/** As bad as the worst queue; where something is wrong only that is told. */
function judgeQueues(readings: readonly QueueReading[], settings: QueuesSettings): Outcome {
  const judged = readings.map((reading) => ({ ...reading, status: gradeQueue(reading, settings) }));
  const status = judged.map((each) => each.status).find((each) => each === worst(judged.map((one) => one.status)));
  const told = status === 'done' ? judged : judged.filter((each) => each.status !== 'done');
  return {
    status: status ?? 'done',
    summary: told.map(textOf).join('; '),
    remediation: status === 'done' ? [] : [...told.map(({ look }) => look), ...REMEDIATION],
    facts: { queues: readings.map(({ name, readyMs, dead }) => ({ name, readyMs, dead })) },
    samples: readings.flatMap(({ name, readyMs, dead }) => [
      { name: 'queue.oldest', subject: name, value: Math.max(0, readyMs ?? 0) / 1_000, unit: 'seconds' as const },
      { name: 'queue.dead', subject: name, value: dead, unit: 'count' as const },
    ]),
  };
}

function gradeQueue({ readyMs, dead }: QueueReading, { warnAfter, failAfter, maxDead }: QueuesSettings) {
  return dead > maxDead ? 'fail' : grade(readyMs ?? 0, warnAfter, failAfter);
}

function textOf({ name, readyMs, dead }: QueueReading): string {
  const oldest =
    readyMs === null || readyMs < 0 ? 'nothing waits' : `the oldest job ready for ${formatDuration(readyMs)}`;
  const failed = dead === 0 ? '' : `, ${plural(dead, 'job')} failed for good`;
  return `${name}: ${oldest}${failed}`;
}

const REMEDIATION = [
  'Does a worker run, and does it take jobs of this queue? Look at its unit or container, and at its log.',
  'Failed for good: read the error of the job, mend its cause, then let it run again with the tool of the queue; delete it only when it is not needed.',
];
