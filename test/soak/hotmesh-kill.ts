/**
 * Kills a run over the tables of HotMesh at a random moment, runs it again, and compares everything with what one clean
 * run leaves; so many times, by turns over both layouts. Run it with `node test/soak/hotmesh-kill.ts [times]`; 100 where
 * left out.
 */
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { Client } from 'pg';
import { startCluster, type Cluster } from '../../src/adapters/cluster.ts';
import { parseConnection } from '../../src/adapters/connection.ts';
import { findServerPrograms } from '../../src/adapters/server-programs.ts';
import { Secret } from '../../src/base/secret.ts';
import { digestOf, halfStripped, putMix } from '../support/hotmesh-data.ts';
import { makeHotmesh, type Layout, type Queries } from '../support/hotmesh.ts';
import { pruneInChild, waitUntilAlone } from '../support/prune-child.ts';

const TIMES = Number(process.argv[2] ?? 100);
const JOBS = 1_500;
const SETTINGS = { hotmesh: {}, pace: 'full', vacuum: false };
const LAYOUTS: readonly Layout[] = ['new', 'old'];

const [programs] = await findServerPrograms(process.env['PATH']);
if (programs === undefined) throw new Error('no PostgreSQL server programs were found; install the package postgresql');
await using cluster = await startCluster({ ...programs, parentDirectory: tmpdir(), uid: process.getuid?.() });
const admin = queriesOf(cluster, 'postgres');

/** About so many batches a clean run takes, and so many milliseconds each. */
const BATCHES: Readonly<Record<Layout, number>> = { new: 45, old: 18 };
const BATCH_MS = 20;

const clean = new Map<Layout, unknown>();
for (const layout of LAYOUTS) {
  await admin.query(`CREATE DATABASE filled_${layout}`);
  const filled = queriesOf(cluster, `filled_${layout}`);
  await makeHotmesh(filled, 'app', layout);
  await putMix(filled, 'app', layout, JOBS);
  const round = await freshRound(layout);
  assert.ok(await pruneInChild(cluster.url('round'), SETTINGS));
  clean.set(layout, await digestOf(round, 'app', layout));
}

let killed = 0;
let halfway = 0;
for (let time = 0; time < TIMES; time += 1) {
  const layout = LAYOUTS[time % LAYOUTS.length] ?? 'new';
  const digest = clean.get(layout);
  const round = await freshRound(layout);
  const before = await digestOf(round, 'app', layout);
  const kill = { batches: Math.ceil(Math.random() * BATCHES[layout]), ms: Math.random() * BATCH_MS };
  if (!(await pruneInChild(cluster.url('round'), SETTINGS, kill))) killed += 1;
  await waitUntilAlone(round);
  const between = await digestOf(round, 'app', layout);
  if (!same(between, before) && !same(between, digest)) halfway += 1;
  if (layout === 'new')
    assert.equal(await halfStripped(round, 'app'), 0, `half-stripped jobs after ${kill.batches} batches`);
  assert.ok(await pruneInChild(cluster.url('round'), SETTINGS));
  if (time % 10 === 9) console.log(`${time + 1} of ${TIMES}`);
  assert.deepEqual(
    await digestOf(round, 'app', layout),
    digest,
    `killed after ${kill.batches} batches over the ${layout} layout`,
  );
}
console.log(`${TIMES} runs, ${killed} killed, ${halfway} of them halfway: all ended as a clean run does`);

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

async function freshRound(layout: Layout): Promise<Queries> {
  await admin.query('DROP DATABASE IF EXISTS round WITH (FORCE)');
  await admin.query(`CREATE DATABASE round TEMPLATE filled_${layout}`);
  return queriesOf(cluster, 'round');
}

function queriesOf(server: Cluster, name: string): Queries {
  const { host, port, user, database } = parseConnection(new Secret(server.url(name)));
  return {
    query: async (text, values = []) => {
      const client = new Client({ host, port, user, database });
      await client.connect();
      try {
        return (await client.query(text, [...values])).rows;
      } finally {
        await client.end();
      }
    },
  };
}
