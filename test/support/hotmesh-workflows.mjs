// Runs real workflows of the npm package @hotmeshio/hotmesh, and answers questions about them on its standard streams.
// Arguments: folder whose node_modules has the package, then host, user and name of the database.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

const [, , folder, host, user, database] = process.argv;
const load = createRequire(join(folder, 'package.json'));
const { MeshFlow } = load('@hotmeshio/hotmesh');
const { Client } = load('pg');
const connection = { class: Client, options: { host, user, database } };

const activities = { greet: async (name) => `hello ${name}` };

async function child(name) {
  return `child of ${name}`;
}

async function example(name, kind) {
  const { greet } = MeshFlow.workflow.proxyActivities({ activities });
  const search = await MeshFlow.workflow.search();
  await search.set('custom', name, 'kind', kind);
  const greeting = await greet(name);
  if (kind === 'waits') return { greeting, signal: await MeshFlow.workflow.waitFor(`go-${name}`) };
  if (kind === 'sleeps') {
    await MeshFlow.workflow.sleepFor('25 seconds');
    return { greeting, slept: true };
  }
  const sub = await MeshFlow.workflow.execChild({
    args: [name],
    taskQueue: 'q',
    workflowName: 'child',
    workflowId: `child-${name}`,
  });
  return { greeting, sub };
}

for (const workflow of [example, child])
  await (await MeshFlow.Worker.create({ connection, taskQueue: 'q', workflow })).run();
const client = new MeshFlow.Client({ connection });
const handles = {};
for (const [id, kind] of [
  ['done-1', 'ends'],
  ['done-2', 'ends'],
  ['waiting', 'waits'],
  ['sleeping', 'sleeps'],
]) {
  const words = { args: [id, kind], taskQueue: 'q', workflowName: 'example', workflowId: id, expire: 86_400 };
  handles[id] = await client.workflow.start(words);
}
for (const id of ['done-1', 'done-2']) await handles[id].result();
await setTimeout(3_000);

const answers = {
  async look() {
    const seen = {};
    for (const id of ['done-1', 'done-2', 'waiting']) {
      const exported = await handles[id].export();
      seen[id] = { exported, status: await handles[id].status() };
    }
    return seen;
  },
  async finish() {
    await handles.waiting.signal('go-waiting', { ok: true });
    return { waiting: await handles.waiting.result(), sleeping: await handles.sleeping.result() };
  },
};

console.log(JSON.stringify({ ready: true }));
for await (const question of createInterface(process.stdin)) console.log(JSON.stringify(await answers[question]()));
process.exit(0);
