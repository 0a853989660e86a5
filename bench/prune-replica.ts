/**
 * How far a replica falls behind that replays slowly, while `maint prune` works at full pace, and while one DELETE does. Its
 * startup process is stopped for most of each second. Both servers flush what they commit.
 * Run it with `node bench/prune-replica.ts [rows=3000000] [share of the time at work=0.1]`.
 */
import { setTimeout } from 'node:timers/promises';
import { startStandby, type Standby } from '../test/support/standby.ts';
import { connected, makeEvents, ONE_DELETE, openDurableServer, pruneEvents, query } from './prune-events.ts';
import { printTargets } from './targets.ts';

const [rows = 3_000_000, share = 0.1] = process.argv.slice(2, 4).map(Number);
const CYCLE_MS = 500;
const MB = 2 ** 20;

const { cluster, programs } = await openDurableServer({
  autovacuum: 'off',
  wal_level: 'replica',
  max_wal_size: '2GB',
  wal_keep_size: '2GB',
  max_wal_senders: '5',
});
await using held = cluster;
await makeEvents(held, 'prune', rows);
await query(held, 'postgres', 'CREATE DATABASE single TEMPLATE prune');
using standby = startStandby(held, programs.binDirectory);
await caughtUp();

const table = [
  { contestant: 'maint prune', ...(await slowed(standby, async () => pruneEvents(held, 'prune', { pace: 'full' }))) },
  {
    contestant: 'one DELETE',
    ...(await slowed(standby, async () => ({ rows: await query(held, 'single', ONE_DELETE) }))),
  },
];
console.table(table);
printTargets([{ claim: 'furthest that the replica was behind', value: table[0]?.lagMb ?? 0, atMost: 64, unit: 'MB' }]);

interface Slowed {
  readonly rows: number;
  readonly seconds: number;
  readonly lagMb: number;
}

/** Does the work while the replica replays only for a share of the time. */
async function slowed(replica: Standby, work: () => Promise<{ readonly rows: number }>): Promise<Slowed> {
  const pid = await startupProcess(replica);
  const over = new AbortController();
  const [brake, watch] = [braked(pid, over.signal), watched(over.signal)];
  const startedAt = performance.now();
  try {
    const { rows: deleted } = await work();
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    over.abort();
    await brake;
    return { rows: deleted, seconds, lagMb: (await watch) / MB };
  } finally {
    over.abort();
    await brake;
    await caughtUp();
  }
}

/** Always ends with the process running. */
async function braked(pid: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    process.kill(pid, 'SIGSTOP');
    await setTimeout(CYCLE_MS * (1 - share));
    process.kill(pid, 'SIGCONT');
    await setTimeout(CYCLE_MS * share);
  }
}

/** @returns the most bytes that were still to be replayed */
async function watched(signal: AbortSignal): Promise<number> {
  const client = await connected(held, 'postgres');
  let most = 0;
  while (!signal.aborted) {
    most = Math.max(most, await lagBytes(client));
    await setTimeout(20);
  }
  await client.end();
  return most;
}

async function lagBytes(client: Awaited<ReturnType<typeof connected>>): Promise<number> {
  const { rows: answers } = await client.query<{ lag: string | null }>(
    'SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)) AS lag FROM pg_stat_replication',
  );
  return Number(answers[0]?.lag ?? 0);
}

async function startupProcess(replica: Standby): Promise<number> {
  const client = await connected(replica, 'postgres');
  const { rows: answers } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'`,
  );
  await client.end();
  const pid = answers[0]?.pid;
  if (pid === undefined) throw new Error('the replica has no startup process');
  return pid;
}

async function caughtUp(): Promise<void> {
  const client = await connected(held, 'postgres');
  for (;;) {
    const { rowCount } = await client.query('SELECT 1 FROM pg_stat_replication WHERE replay_lsn IS NOT NULL');
    if ((rowCount ?? 0) > 0 && (await lagBytes(client)) === 0) break;
    await setTimeout(100);
  }
  await client.end();
}
