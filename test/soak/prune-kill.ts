/**
 * Kills a run over tables of its own rules at a random moment, runs it again, and compares everything with what one clean run
 * leaves; until so many were killed, by turns over a table with an index, one without, and one whose partitions are dropped.
 * Run it with `node test/soak/prune-kill.ts [kills]`; 100 where left out.
 */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { Queries } from '../support/hotmesh.ts';
import { pruneInChild, waitUntilAlone } from '../support/prune-child.ts';
import { same, startRounds } from './rounds.ts';

const KILLS = Number(process.argv[2] ?? 100);
/** Runs that came to their end before they were killed count for nothing; when most of them do, the moments are wrong. */
const MOST_RUNS = 2 * KILLS;
const ROWS = 60_000;
const LAYOUTS = ['indexed', 'plain', 'divided'] as const;
type Layout = (typeof LAYOUTS)[number];

/** About so many batches a clean run takes, and so many milliseconds each. */
const BATCHES: Readonly<Record<Layout, number>> = { indexed: 7, plain: 9, divided: 9 };
const BATCH_MS = 30;

const settingsFor = (layout: Layout): object => ({
  rules: [
    { name: 'events', table: 'events', age: 'at', olderThan: '30 days', maxShare: 1 },
    { name: 'logs', table: 'logs', age: 'at', olderThan: '30 days', maxShare: 1, partitions: 'drop' },
  ].filter(({ name }) => layout === 'divided' || name === 'events'),
  pace: 'full',
  vacuum: false,
});

await using rounds = await startRounds();
const clean = new Map<Layout, unknown>();
for (const layout of LAYOUTS) {
  await make(await rounds.fill(layout), layout);
  const round = await rounds.fresh(layout);
  assert.ok(await pruneInChild(rounds.url, settingsFor(layout)));
  clean.set(layout, await stateOf(round));
}

let killed = 0;
let halfway = 0;
let runs = 0;
for (; killed < KILLS; runs += 1) {
  assert.ok(runs < MOST_RUNS, `only ${killed} of ${runs} runs were still there to be killed`);
  const layout = LAYOUTS[runs % LAYOUTS.length] ?? 'plain';
  const round = await rounds.fresh(layout);
  const before = await stateOf(round);
  const kill = { batches: Math.ceil(Math.random() * BATCHES[layout]), ms: Math.random() * BATCH_MS };
  if (!(await pruneInChild(rounds.url, settingsFor(layout), kill))) killed += 1;
  await waitUntilAlone(round);
  const between = await stateOf(round);
  if (!same(between, before) && !same(between, clean.get(layout))) halfway += 1;
  // A lease that a killed run held ends by itself; the same holder takes it over at once.
  assert.ok(await pruneInChild(rounds.url, settingsFor(layout)));
  assert.deepEqual(await stateOf(round), clean.get(layout), `killed after ${kill.batches} batches over ${layout}`);
  if (runs % 10 === 9) console.log(`${killed} of ${KILLS} killed`);
  await setTimeout(0);
}
console.log(`${runs} runs, ${killed} killed, ${halfway} of them halfway: all ended as a clean run does`);

async function make(database: Queries, layout: Layout): Promise<void> {
  await database.query('CREATE TABLE events (id int PRIMARY KEY, at timestamptz NOT NULL)');
  await database.query('CREATE TABLE notes (event int REFERENCES events ON DELETE CASCADE)');
  await database.query('CREATE INDEX ON notes (event)');
  const rows = layout === 'divided' ? 2_000 : ROWS;
  await database.query(
    `INSERT INTO events SELECT g, now() - CASE WHEN g * 7919 % 4 = 0 THEN interval '1 day' ELSE interval '60 days' END
                                        - g * 31337 % ${rows} * interval '1 second' FROM generate_series(1::bigint, ${rows}) g`,
  );
  await database.query('INSERT INTO notes SELECT id FROM events');
  if (layout !== 'plain') await database.query('CREATE INDEX ON events (at)');
  if (layout === 'divided') await makeLogs(database);
}

/** A row an hour in partitions of ten days, of which six are old as a whole. */
async function makeLogs(database: Queries): Promise<void> {
  await database.query('CREATE TABLE logs (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at)');
  for (let n = 0; n < 10; n += 1) {
    const [bounds] = await database.query<{ low: string; high: string }>(
      `SELECT (date_trunc('day', now()) + ${10 * n - 95} * interval '1 day')::text AS low,
              (date_trunc('day', now()) + ${10 * n - 85} * interval '1 day')::text AS high`,
    );
    await database.query(
      `CREATE TABLE logs_${n} PARTITION OF logs FOR VALUES FROM ('${bounds?.low}') TO ('${bounds?.high}')`,
    );
  }
  await database.query(`INSERT INTO logs SELECT g, now() - g * interval '1 hour' FROM generate_series(1, 2160) g`);
  await database.query('CREATE INDEX ON logs (at)');
}

/** Which rows and which tables there are; the rows that became old meanwhile are left aside. */
async function stateOf(database: Queries): Promise<unknown> {
  const [tables] = await database.query<{ names: string; hasLogs: boolean }>(
    `SELECT string_agg(relname, ' ' ORDER BY relname) AS names, bool_or(relname = 'logs') AS "hasLogs"
       FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`,
  );
  const logs =
    tables?.hasLogs === true ? `(SELECT count(*)::int FROM logs WHERE at > now() - interval '29 days')` : '0';
  return database.query(
    `SELECT (SELECT count(*)::int FROM events) AS events, (SELECT sum(id)::int8 FROM events) AS ids,
            (SELECT count(*)::int FROM notes) AS notes, '${tables?.names}' AS tables,
            ${logs} AS logs`,
  );
}
