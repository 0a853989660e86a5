import { expect } from 'vitest';
import { z } from 'zod';
import { MaintError } from '../../src/base/errors.ts';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { libpqEnvironment } from '../../src/adapters/connection.ts';
import { sql } from '../../src/adapters/sql.ts';
import { done, fail, warn } from '../../src/engine/outcome.ts';
import { runTasks, type ConfiguredTask, type TaskRun } from '../../src/engine/run.ts';
import { defineTask, type Step, type Task } from '../../src/engine/task.ts';
import { worst } from '../../src/engine/verdict.ts';
import { test as withDatabase, type TestDatabase } from '../support/database.ts';
import { silentLog } from '../support/log.ts';
import type { Session } from '../../src/adapters/postgres.ts';
import { placesAt } from '../support/backup-places.ts';

interface Pieces {
  readonly database: TestDatabase;
  readonly reader: Session;
  readonly session: Session;
}

function taskOf(steps: readonly Step[], changes: Partial<Task> = {}): ConfiguredTask {
  const task = defineTask({
    name: 'sample',
    summary: 'Do what the test says',
    tier: 'daily',
    effect: 'changes',
    onFailure: 'continue',
    deadlineMs: 10_000,
    settings: z.unknown(),
    examples: [],
    plan: async () => steps,
    ...changes,
  });
  return { task, settings: {}, deadlineMs: task.deadlineMs };
}

function runOf(
  { database, reader, session }: Pieces,
  tasks: readonly ConfiguredTask[],
  more: Partial<TaskRun> = {},
): TaskRun {
  return {
    tasks,
    dryRun: false,
    signal: new AbortController().signal,
    log: silentLog,
    project: 'app',
    backups: placesAt('/nonexistent'),
    timezone: 'UTC',
    reader,
    writer: session,
    clients: clientPrograms([], '/usr/bin', libpqEnvironment(database.connection)),
    history: { samples: () => [] },
    observer: { stepStarted: () => undefined, progressed: () => undefined, stepEnded: () => undefined },
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    ...more,
  };
}

const CONCERN = { check: 'disk', dimension: 'resources', alertClass: 'page', impact: 'the database stops' } as const;

const step = (title: string, perform: Step['perform']): Step => ({ title, perform });

withDatabase(
  'one broken step does not hide the next, and the verdict is the worst',
  async ({ database, reader, session }) => {
    const tasks = [
      taskOf([
        {
          ...step('throws', () => Promise.reject(new MaintError('DATABASE_UNREACHABLE', 'nobody answers'))),
          concern: CONCERN,
        },
        step('fails', async () => fail('broken', ['mend it'])),
        step('warns', async () => warn('odd', ['look'])),
        step('works', async () => done('good')),
      ]),
      taskOf([step('also works', async () => done('good'))]),
    ];
    const [first, second] = await runTasks(runOf({ database, reader, session }, tasks));
    expect(first?.steps.map(({ verdict, code }) => [verdict, code])).toEqual([
      ['crash', 'DATABASE_UNREACHABLE'],
      ['fail', null],
      ['warn', null],
      ['done', null],
    ]);
    expect(first?.steps.map(({ concern }) => concern)).toEqual([CONCERN, null, null, null]);
    expect(first?.verdict).toBe('fail');
    expect(second?.verdict).toBe('done');
  },
);

withDatabase('a task that stops at a failure leaves its later steps not run', async ({ database, reader, session }) => {
  let reached = false;
  const steps = [
    step('fails', async () => fail('broken', ['mend it'])),
    step('never', async () => {
      reached = true;
      return done('good');
    }),
  ];
  const [report] = await runTasks(runOf({ database, reader, session }, [taskOf(steps, { onFailure: 'stop' })]));
  expect(report?.steps.map(({ verdict }) => verdict)).toEqual(['fail', 'not-run']);
  expect(reached).toBe(false);
});

withDatabase(
  'an obstacle with exit code 1 is a failure, a bug is a crash that says so',
  async ({ database, reader, session }) => {
    const steps = [
      step('full', () => Promise.reject(new MaintError('NO_SPACE', 'the disk is full'))),
      step('bug', () => Promise.reject(new TypeError('undefined is not a function'))),
    ];
    const [report] = await runTasks(runOf({ database, reader, session }, [taskOf(steps)]));
    expect(report?.steps.map(({ verdict, code }) => [verdict, code])).toEqual([
      ['fail', 'NO_SPACE'],
      ['crash', 'BUG'],
    ]);
    expect(report?.steps[0]?.remediation).toHaveLength(1);
  },
);

withDatabase('a plan cannot write, and what it wanted to write is not there', async ({ database, reader, session }) => {
  await database.query('CREATE TABLE users (id int)');
  const naughty = taskOf([], {
    plan: async ({ database: looking }) => {
      await looking.rows(sql<{ id: number }>`INSERT INTO users VALUES (1) RETURNING id`);
      return [];
    },
  });
  const [report] = await runTasks(runOf({ database, reader, session }, [naughty]));
  expect(report).toMatchObject({ planned: false, verdict: 'crash', steps: [{ title: 'plan', code: 'READ_ONLY' }] });
  expect(await database.query('SELECT * FROM users')).toEqual([]);
});

withDatabase('the steps of a task that only reads cannot write either', async ({ database, reader, session }) => {
  await database.query('CREATE TABLE users (id int)');
  const steps = [
    step('writes', async (context) => done(`${await context.database.run(sql`INSERT INTO users VALUES (1)`)}`)),
  ];
  const [reading] = await runTasks(runOf({ database, reader, session }, [taskOf(steps, { effect: 'reads' })]));
  expect(reading?.steps[0]).toMatchObject({ verdict: 'crash', code: 'READ_ONLY' });
  const [changing] = await runTasks(runOf({ database, reader, session }, [taskOf(steps)]));
  expect(changing?.steps[0]).toMatchObject({ verdict: 'done', summary: '1' });
});

withDatabase('a dry run plans and performs nothing', async ({ database, reader, session }) => {
  let performed = false;
  const steps: Step[] = [
    {
      title: 'drop it',
      intent: ['DROP TABLE users'],
      perform: async () => {
        performed = true;
        return done('gone');
      },
    },
  ];
  const [report] = await runTasks(runOf({ database, reader, session }, [taskOf(steps)], { dryRun: true }));
  expect(report?.steps).toMatchObject([{ verdict: 'not-run', intent: ['DROP TABLE users'] }]);
  expect(performed).toBe(false);
});

withDatabase('a step past its deadline is a crash, and the run goes on', async ({ database, reader, session }) => {
  const slow = step('sleeps', async ({ database: sleeping }) => {
    await sleeping.rows(sql<{ one: number }>`SELECT 1 AS one FROM pg_sleep(60)`);
    return done('slept');
  });
  const configured = { ...taskOf([slow, step('next', async () => done('good'))]), deadlineMs: 300 };
  const [report] = await runTasks(runOf({ database, reader, session }, [configured]));
  expect(report?.steps.map(({ verdict, code }) => [verdict, code])).toEqual([
    ['crash', 'TIMED_OUT'],
    ['done', null],
  ]);
});

withDatabase('a signal stops between two units of work and says so', async ({ database, reader, session }) => {
  const controller = new AbortController();
  const steps = [
    step('first', async ({ signal }) => {
      controller.abort('SIGTERM');
      signal.throwIfAborted();
      return done('unreachable');
    }),
    step('second', async () => done('unreachable')),
  ];
  const reports = await runTasks(
    runOf({ database, reader, session }, [taskOf(steps), taskOf(steps)], { signal: controller.signal }),
  );
  expect(reports.flatMap(({ steps: found }) => found.map(({ verdict, summary }) => `${verdict}: ${summary}`))).toEqual([
    'not-run: stopped: the run was stopped by SIGTERM',
    'not-run: not reached: the run was stopped by SIGTERM',
    'not-run: not reached: the run was stopped by SIGTERM',
  ]);
});

withDatabase('a known failure outranks what could not be found out', () => {
  expect(worst(['done', 'crash', 'fail', 'warn'])).toBe('fail');
  expect(worst(['done', 'crash', 'not-run', 'warn'])).toBe('crash');
  expect(worst(['skip', 'done'])).toBe('done');
  expect(worst([])).toBe('skip');
});

withDatabase(
  'concurrent steps go on four at a time beside the others, and are reported in their order',
  async ({ database, reader, session }) => {
    const meeting = Promise.withResolvers<void>();
    let present = 0;
    let most = 0;
    const meet = async () => {
      present += 1;
      most = Math.max(most, present);
      // Four of them and the one in order: whoever ran them one after the other would wait for ever.
      if (present === 5) meeting.resolve();
      await meeting.promise;
      present -= 1;
      return done('met');
    };
    const beside = (title: string): Step => ({ title, isConcurrent: true, perform: meet });
    const steps = ['a', 'b', 'c', 'd', 'e', 'f'].map(beside).toSpliced(2, 0, step('in order', meet));
    const seen: string[] = [];
    const observer = {
      stepStarted: (_: string, title: string) => seen.push(`begin ${title}`),
      progressed: () => undefined,
      stepEnded: ({ title }: { title: string }) => seen.push(`end ${title}`),
    };
    const [report] = await runTasks(runOf({ database, reader, session }, [taskOf(steps)], { observer }));
    const titles = steps.map(({ title }) => title);
    expect(report?.steps.map(({ title, verdict }) => [title, verdict])).toEqual(titles.map((title) => [title, 'done']));
    expect(most).toBe(5);
    const inTurn = ['in order', 'a', 'b', 'c', 'd', 'e', 'f'];
    expect(seen).toEqual(inTurn.flatMap((title) => [`begin ${title}`, `end ${title}`]));
  },
);
