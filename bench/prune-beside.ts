/**
 * What an application feels of `maint prune` at gentle pace, and what of one DELETE: pgbench with eight clients, alone and
 * beside each, its transactions a second and its 99th percentile. The server flushes what it commits, autovacuum is on.
 * Run it with `node bench/prune-beside.ts [rows=6000000] [seconds=60] [rounds=3] [scale=20]`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connected, copyOf, makeEvents, ONE_DELETE, openDurableServer, pruneEvents } from './prune-events.ts';
import { middle, printTargets } from './targets.ts';

const [rows = 6_000_000, seconds = 60, rounds = 3, scale = 20] = process.argv.slice(2, 6).map(Number);
const CLIENTS = 8;
/** So long pgbench is alone at first. */
const WARM_UP_SECONDS = Math.min(5, seconds);

interface Felt {
  readonly beside: string;
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly rowsDeleted: number;
  /** How long it was measured. */
  readonly seconds: number;
}

const { cluster, programs } = await openDurableServer({ autovacuum: 'on', max_connections: '50' });
await using held = cluster;
await makeEvents(held, 'filled', rows);
await pgbench('filled', ['-i', '-q', '-s', String(scale)]);

const results: Felt[] = [];
for (let round = 1; round <= rounds; round += 1)
  for (const [beside, work] of Object.entries({ nothing: idle, 'maint prune': gentle, 'one DELETE': oneDelete })) {
    await copyOf(held, 'filled', 'round');
    const felt = await race(work);
    results.push({ beside, ...felt });
    console.log(`round ${round}: beside ${beside}: ${felt.perSecond.toFixed(0)} tps, p99 ${felt.p99Ms.toFixed(1)} ms`);
  }
console.table(results);

const paired = (beside: string, of: (felt: Felt) => number): number => {
  const ofKind = (kind: string): readonly Felt[] => results.filter((felt) => felt.beside === kind);
  const alone = ofKind('nothing');
  return middle(ofKind(beside).map((felt, round) => of(felt) / of(alone[round] ?? felt)));
};
const share = (beside: string): number => paired(beside, ({ perSecond }) => perSecond) * 100;
const stretch = (beside: string): number => paired(beside, ({ p99Ms }) => p99Ms);
printTargets([
  { claim: 'throughput beside maint prune', value: share('maint prune'), atLeast: 85, unit: '% of alone' },
  { claim: 'p99 beside maint prune', value: stretch('maint prune'), atMost: 1.6, unit: 'x alone' },
]);
console.log(
  `\nfor comparison, beside the single DELETE: ${share('one DELETE').toFixed(0)} %, p99 ${stretch('one DELETE').toFixed(2)} x`,
);

/** What goes on beside pgbench. @returns rows deleted */
type Work = () => Promise<number>;

/** Measures from the moment the work begins until it ends, or the time is over. */
async function race(work: Work): Promise<Omit<Felt, 'beside'>> {
  const folder = mkdtempSync(join(tmpdir(), 'maint-bench-'));
  const log = ['-l', `--log-prefix=${join(folder, 'log')}`];
  const time = ['-T', String(WARM_UP_SECONDS + seconds + 1)];
  const benching = pgbench('round', ['-n', '-c', String(CLIENTS), '-j', '2', ...time, ...log]);
  await setTimeout(WARM_UP_SECONDS * 1_000);
  const startedMs = Date.now();
  const over = { ms: startedMs + seconds * 1_000 };
  const deleting = work().finally(() => {
    if (work !== idle) over.ms = Math.min(over.ms, Date.now());
  });
  const [rowsDeleted] = await Promise.all([deleting, benching]);
  const lines = readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'));
  rmSync(folder, { recursive: true });
  return { ...feltIn(lines, startedMs, over.ms), rowsDeleted };
}

/** Lines of client, number, microseconds, script, and second and microsecond of the end. */
function feltIn(lines: readonly string[], fromMs: number, toMs: number): Pick<Felt, 'perSecond' | 'p99Ms' | 'seconds'> {
  const taken = lines
    .map((line) => line.split(' ').map(Number))
    .map(([, , micros = 0, , second = 0, micro = 0]) => ({ ms: micros / 1_000, endMs: second * 1_000 + micro / 1_000 }))
    .filter(({ endMs }) => endMs >= fromMs && endMs < toMs)
    .map(({ ms }) => ms)
    .toSorted((a, b) => a - b);
  const lasted = (toMs - fromMs) / 1_000;
  return {
    perSecond: taken.length / lasted,
    p99Ms: taken[Math.floor(taken.length * 0.99)] ?? Number.NaN,
    seconds: lasted,
  };
}

async function idle(): Promise<number> {
  return 0;
}

async function gentle(): Promise<number> {
  const { rows: deleted } = await pruneEvents(held, 'round', {
    pace: 'gentle',
    maxTime: `${seconds}s`,
  });
  return deleted;
}

async function oneDelete(): Promise<number> {
  const client = await connected(held, 'round');
  try {
    return (await client.query(ONE_DELETE)).rowCount ?? 0;
  } finally {
    await client.end();
  }
}

async function pgbench(database: string, args: readonly string[]): Promise<void> {
  const { socketDirectory, port, superuser } = held;
  const login = ['-h', socketDirectory, '-p', String(port), '-U', superuser];
  const child = spawn(join(programs.binDirectory, 'pgbench'), [...login, ...args, database], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`pgbench ended with ${code}: ${said}`);
}
