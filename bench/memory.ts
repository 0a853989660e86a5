/**
 * Does the memory of `maint backup` and `maint verify-backup` stay the same however large the database is? Run it as
 * `node bench/memory.ts [scales=0.1,1]`, where 1 is about 1 GB and 5 takes long; the built program must be there.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judged, maint, markdown, MB, measureSuccess, type Measure } from './measure.ts';
import { openMixedCluster } from './mixed-cluster.ts';

const scales = (process.argv[2] ?? '0.1,1').split(',').map(Number);
const rows: (readonly string[])[] = [];
for (const scale of scales) rows.push(await measureScale(scale));
/** Own memory of the largest against the smallest: what the garbage collector leaves lying is not the database. */
const MOST_GROWTH = 1.2;
const HEAD = ['database MB', 'backup: own RSS MB', 'backup: tree PSS MB', 'backup: wall s'];
console.log(markdown([[...HEAD, 'verify: own RSS MB', 'verify: tree PSS MB', 'verify: wall s'], ...rows]));

for (const [column, task] of [
  [1, 'backup'],
  [4, 'verify-backup'],
] as const) {
  const [smallest, largest] = [Number(rows[0]?.[column]), Number(rows.at(-1)?.[column])];
  console.log(judged(`${task}: own memory, largest database × smallest`, largest / smallest, MOST_GROWTH));
}

async function measureScale(scale: number): Promise<readonly string[]> {
  await using mixed = await openMixedCluster(scale);
  const place = mkdtempSync(join(tmpdir(), 'maint-bench-'));
  try {
    const env = { MAINT_STATE_DIR: join(place, 'state'), DATABASE_URL: mixed.cluster.url('mixed') };
    const run = (task: string): Promise<Measure> =>
      measureSuccess({ ...maint(task, '--directory', join(place, 'repo')), env, cwd: place });
    const measures = [await run('backup'), await run('verify-backup')];
    return [(mixed.databaseBytes / MB).toFixed(0), ...measures.flatMap(cellsOf)];
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function cellsOf({ ownBytes, treeBytes, wallSeconds }: Measure): readonly string[] {
  return [(ownBytes / MB).toFixed(0), (treeBytes / MB).toFixed(0), wallSeconds.toFixed(1)];
}
