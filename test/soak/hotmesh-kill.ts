/**
 * Kills a run over the tables of HotMesh at a random moment, runs it again, and compares everything with what one clean
 * run leaves; so many times, by turns over both layouts. Run it with `node test/soak/hotmesh-kill.ts [times]`; 100 where
 * left out.
 */
import assert from 'node:assert/strict';
import { digestOf, halfStripped, putMix } from '../support/hotmesh-data.ts';
import { makeHotmesh, type Layout } from '../support/hotmesh.ts';
import { pruneInChild, waitUntilAlone } from '../support/prune-child.ts';
import { same, startRounds } from './rounds.ts';

const TIMES = Number(process.argv[2] ?? 100);
const JOBS = 1_500;
const SETTINGS = { hotmesh: {}, pace: 'full', vacuum: false };
const LAYOUTS: readonly Layout[] = ['new', 'old'];

await using rounds = await startRounds();

/** About so many batches a clean run takes, and so many milliseconds each. */
const BATCHES: Readonly<Record<Layout, number>> = { new: 45, old: 18 };
const BATCH_MS = 20;

const clean = new Map<Layout, unknown>();
for (const layout of LAYOUTS) {
  const filled = await rounds.fill(layout);
  await makeHotmesh(filled, 'app', layout);
  await putMix(filled, 'app', layout, JOBS);
  const round = await rounds.fresh(layout);
  assert.ok(await pruneInChild(rounds.url, SETTINGS));
  clean.set(layout, await digestOf(round, 'app', layout));
}

let killed = 0;
let halfway = 0;
for (let time = 0; time < TIMES; time += 1) {
  const layout = LAYOUTS[time % LAYOUTS.length] ?? 'new';
  const digest = clean.get(layout);
  const round = await rounds.fresh(layout);
  const before = await digestOf(round, 'app', layout);
  const kill = { batches: Math.ceil(Math.random() * BATCHES[layout]), ms: Math.random() * BATCH_MS };
  if (!(await pruneInChild(rounds.url, SETTINGS, kill))) killed += 1;
  await waitUntilAlone(round);
  const between = await digestOf(round, 'app', layout);
  if (!same(between, before) && !same(between, digest)) halfway += 1;
  if (layout === 'new')
    assert.equal(await halfStripped(round, 'app'), 0, `half-stripped jobs after ${kill.batches} batches`);
  assert.ok(await pruneInChild(rounds.url, SETTINGS));
  if (time % 10 === 9) console.log(`${time + 1} of ${TIMES}`);
  assert.deepEqual(
    await digestOf(round, 'app', layout),
    digest,
    `killed after ${kill.batches} batches over the ${layout} layout`,
  );
}
console.log(`${TIMES} runs, ${killed} killed, ${halfway} of them halfway: all ended as a clean run does`);
