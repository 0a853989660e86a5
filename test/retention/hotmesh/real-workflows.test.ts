import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { expect, inject } from 'vitest';
import { z } from 'zod';
import { prune } from '../../../src/tasks/prune.ts';
import { test } from '../../support/database.ts';
import { runTask } from '../../support/run-task.ts';

/** Where the package is installed: here, or in the folder that MAINT_HOTMESH names. */
const FOLDER = process.env['MAINT_HOTMESH'] ?? join(import.meta.dirname, '../../..');

function isInstalled(): boolean {
  try {
    return createRequire(join(FOLDER, 'package.json')).resolve('@hotmeshio/hotmesh') !== '';
  } catch {
    return false;
  }
}

/** Starts workflows in a process of their own. @returns what asks that process something */
function startWorkflows(database: string) {
  const script = join(import.meta.dirname, '../../support/hotmesh-workflows.mjs');
  const child = spawn(process.execPath, [script, FOLDER, inject('socketDirectory'), 'postgres', database], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const answer = async (): Promise<unknown> => {
    for (;;) {
      const { done, value } = await lines.next();
      if (done === true) throw new Error('the workflows ended without an answer');
      const said: string = value;
      // The package writes its own diary to the same stream.
      if (said.startsWith('{') && !said.startsWith('{"app"')) return JSON.parse(said);
    }
  };
  return {
    ready: answer,
    ask: async (question: 'look' | 'finish') => {
      child.stdin.write(`${question}\n`);
      return answer();
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

const seenShape = z.record(
  z.string(),
  z.object({ status: z.number(), exported: z.looseObject({ transitions: z.array(z.unknown()) }) }),
);

/** An export keeps everything but the way through the activities, which was the scaffolding. */
function withoutTransitions(seen: unknown): unknown {
  return Object.entries(seenShape.parse(seen)).map(([id, { status, exported }]) => [
    id,
    status,
    id === 'waiting' ? exported : { ...exported, transitions: [] },
  ]);
}

test.skipIf(!isInstalled()).for(['without a mark', 'with a mark'])(
  'real workflows are pruned %s, are exported and found as before, and those that wait and sleep go on',
  { timeout: 180_000 },
  async (mark, { database, session }) => {
    using workflows = startWorkflows(database.name);
    await workflows.ready();
    if (mark === 'with a mark') await database.query('ALTER TABLE meshflow.jobs ADD COLUMN pruned_at timestamptz');
    // Eight days go by. Versions with this layout write no entity of their own.
    await database.query(`
      SET session_replication_role = replica;
      UPDATE meshflow.jobs SET entity = 'example' WHERE key ~ ':j:(done-1|done-2|waiting|sleeping)$';
      UPDATE meshflow.jobs SET expired_at = now() - interval '8 days' WHERE expired_at IS NOT NULL;
      UPDATE meshflow.streams SET expired_at = now() - interval '8 days' WHERE expired_at IS NOT NULL;
      UPDATE meshflow.streams SET created_at = now() - interval '80 days'`);
    const found = `SELECT j.key FROM meshflow.jobs j JOIN meshflow.jobs_attributes a ON a.job_id = j.id
                    WHERE field = '_custom' AND value LIKE 'done-%' ORDER BY 1`;
    const searched = await database.query(found);
    expect(searched).toHaveLength(2);
    const before = await workflows.ask('look');
    const outcomes = await runTask(prune, { hotmesh: {}, pace: 'full' }, { database: session });
    expect(outcomes[2]).toMatchObject({ status: 'done', facts: { rows: 2 } });
    expect(Number(outcomes[2]?.facts?.['attributes'])).toBeGreaterThan(200);
    expect(outcomes.slice(0, 2).map(({ facts }) => Number(facts?.['rows']) > 5)).toEqual([true, true]);
    const after = await workflows.ask('look');
    expect(seenShape.parse(after)['done-1']?.exported.transitions).toEqual([]);
    expect(withoutTransitions(after)).toEqual(withoutTransitions(before));
    expect(await database.query(found)).toEqual(searched);
    expect(await workflows.ask('finish')).toEqual({
      waiting: { greeting: 'hello waiting', signal: { ok: true } },
      sleeping: { greeting: 'hello sleeping', slept: true },
    });
  },
);
