import { timed } from '../adapters/stopwatch.ts';
import type { Sweep } from './engine.ts';
import { takePartition } from './leave.ts';
import type { OldPartition } from './partitions.ts';
import type { Ending, Tally } from './tally.ts';
import { mayBegin, rest } from './waiting.ts';

/** Takes the partitions that go whole. @returns why one stayed, or why none may begin any more */
export async function sweepPartitions(request: Sweep, tally: Tally): Promise<Ending | undefined> {
  for (const partition of request.partitions?.old ?? []) {
    const why = await mayBegin(request, partition, tally);
    if (why !== undefined) return why;
    // While one is about to leave PostgreSQL lets no other begin to.
    if (!(await sweepPartition(request, partition, tally))) return 'locked';
  }
  return undefined;
}

async function sweepPartition(request: Sweep, partition: OldPartition, tally: Tally): Promise<boolean> {
  const { partitions, budget } = request;
  if (partitions === undefined) return true;
  const { value: isGone, ms } = await timed(() => takePartition({ ...request, partitions, partition }));
  if (!isGone) {
    tally.lockTimeouts += 1;
    return false;
  }
  if (partition.state === 'kept') return true;
  const rows = partition.leaves.reduce((sum, oid) => sum + (request.counted.get(oid) ?? 0), 0);
  tally.partitions.push(partition.name);
  for (const oid of partition.leaves) tally.gone.add(oid);
  tally.rows += rows;
  if (budget.rowsLeft !== undefined) budget.rowsLeft -= rows;
  request.onRows(tally.rows);
  await rest(request, { ms, waiting: 0 }, tally);
  return true;
}
