/**
 * Kills a run that archives into files at a random moment, so many times, and looks after each kill where every row is: in
 * the table, in one settled segment, or in one that is not settled yet. In the end every old row is in one segment, and all
 * of them come back byte by byte. Run it with `node test/soak/archive-kill.ts [times]`; 100 where left out.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startCluster } from '../../src/adapters/cluster.ts';
import { parseConnection } from '../../src/adapters/connection.ts';
import { findServerPrograms } from '../../src/adapters/server-programs.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Queries } from '../support/hotmesh.ts';
import { pruneInChild, waitUntilAlone } from '../support/prune-child.ts';
import { readSegments } from '../support/segments.ts';

const TIMES = Number(process.argv[2] ?? 100);
const ROWS_A_TIME = 3_000;
/** About so many batches a run takes at most, and so many milliseconds each. */
const BATCHES = 4;
const BATCH_MS = 60;

const [programs] = await findServerPrograms(process.env['PATH']);
if (programs === undefined) throw new Error('no PostgreSQL server programs were found; install the package postgresql');
await using cluster = await startCluster({ ...programs, parentDirectory: tmpdir(), uid: process.getuid?.() });
const url = cluster.url('postgres');
const directory = await mkdtemp(join(tmpdir(), 'maint-archive-'));
const folder = join(directory, 'events');
const rule = { name: 'events', table: 'events', age: 'at', olderThan: '30 days', maxShare: 1, keepAtLeast: 0 };
const settings = { rules: [{ ...rule, archive: { directory } }], pace: 'full', vacuum: false };
const database = queries();
await database.query('CREATE TABLE events (id int PRIMARY KEY, at timestamptz, body text)');

let made = 0;
let killed = 0;
let halfway = 0;
for (let time = 0; time < TIMES; time += 1) {
  await database.query(
    `INSERT INTO events SELECT n, now() - interval '60 days' - n * interval '1 s', md5(n::text)
       FROM generate_series($1::int + 1, $1::int + $2::int) n`,
    [made, ROWS_A_TIME],
  );
  made += ROWS_A_TIME;
  const kill = { batches: Math.floor(Math.random() * BATCHES), ms: Math.random() * BATCH_MS };
  if (!(await pruneInChild(url, settings, { batches: Math.max(1, kill.batches), ms: kill.ms }))) killed += 1;
  await waitUntilAlone(database);
  // An application that edits rows between a kill and the next run must not confuse it.
  await database.query("UPDATE events SET body = body || 'x' WHERE id % 97 = 0");
  const { lines, pending, unsettled } = await readSegments(folder);
  if (unsettled.length > 0) halfway += 1;
  const left = await database.query('SELECT id FROM events');
  const once = [...left.map((row) => Number(Object.values(row ?? {})[0])), ...idsOf(lines)];
  assert.equal(new Set(once).size, once.length, `a row is in two places after ${time + 1} kills`);
  assert.equal(new Set([...once, ...idsOf(pending)]).size, made, `a row is nowhere after ${time + 1} kills`);
  if (time % 10 === 9) console.log(`${time + 1} of ${TIMES}`);
}
assert.ok(await pruneInChild(url, settings));
const { lines, unsettled } = await readSegments(folder);
assert.deepEqual(unsettled, []);
assert.equal(new Set(idsOf(lines)).size, made, 'a row was lost');
await rm(directory, { recursive: true });
console.log(`${TIMES} runs, ${killed} killed, ${halfway} of them between archive and table: every row is in one place`);

function idsOf(some: readonly string[]): readonly number[] {
  return some.map((line) => Number(/^\{"id" : "(\d+)"/.exec(line)?.[1]));
}

function queries(): Queries {
  const { host, port, user, database: name } = parseConnection(new Secret(url));
  return {
    query: async (text, values = []) => {
      const client = new Client({ host, port, user, database: name });
      await client.connect();
      try {
        return (await client.query(text, [...values])).rows;
      } finally {
        await client.end();
      }
    },
  };
}
