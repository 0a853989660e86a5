/**
 * How long `maint health` takes as a whole process, and how many connections it opens, on a throw-away server.
 * Run it with `node bench/health.ts [rounds]`; the built program (`npm run build`) must be there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, type Cluster } from '../src/adapters/cluster.ts';
import { findServerPrograms } from '../src/adapters/server-programs.ts';

const ROOT = join(import.meta.dirname, '..');
const DOOR = join(ROOT, 'bin', 'maint.js');
const BUILT = join(ROOT, 'dist', 'cli', 'main.js');
const ROUNDS = Number(process.argv[2] ?? 20);

interface Contestant {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

interface Measured {
  readonly name: string;
  readonly wallMs: number[];
  readonly connections: number[];
}

const [programs] = await findServerPrograms(process.env['PATH']);
if (programs === undefined) throw new Error('no PostgreSQL server programs were found; install the package postgresql');
await using cluster = await startCluster({
  ...programs,
  parentDirectory: tmpdir(),
  uid: process.getuid?.(),
  settings: { log_connections: 'on' },
});
const state = await mkdtemp(join(tmpdir(), 'maint-bench-'));
try {
  console.table((await race(cluster, state)).map(row));
} finally {
  await rm(state, { recursive: true, force: true });
}

/** Runs all contestants in turn, round by round, so that what the machine does meanwhile meets each alike. */
async function race(server: Cluster, stateDirectory: string): Promise<readonly Measured[]> {
  const contestants = contestantsFor(server);
  const results = contestants.map(({ name }): Measured => ({ name, wallMs: [], connections: [] }));
  const env = { ...process.env, DATABASE_URL: server.url('postgres'), MAINT_STATE_DIR: stateDirectory };
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [index, { name, command }] of contestants.entries()) {
      const before = await connections(server);
      const startedAt = performance.now();
      const { status, stderr } = spawnSync(command[0], command.slice(1), { env, encoding: 'utf8' });
      const wallMs = performance.now() - startedAt;
      if (status !== 0) throw new Error(`${name} ended with exit code ${status}: ${stderr}`);
      // The first round warms up the compile cache and the page cache.
      if (round === 0) continue;
      results[index]?.wallMs.push(wallMs);
      results[index]?.connections.push((await connections(server)) - before);
    }
  }
  return results;
}

function contestantsFor(server: Cluster): readonly Contestant[] {
  if (!existsSync(BUILT)) throw new Error(`${BUILT} is missing: run npm run build first`);
  return [
    { name: 'empty Node program', command: [process.execPath, '-e', '0'] },
    { name: 'psql -c "SELECT 1"', command: ['psql', server.url('postgres'), '-qAtc', 'SELECT 1'] },
    { name: 'maint health', command: [process.execPath, DOOR, 'health'] },
  ];
}

async function connections({ directory }: Cluster): Promise<number> {
  const log = await readFile(join(directory, 'server.log'), 'utf8');
  return log.split('connection authorized').length - 1;
}

function row({ name, wallMs, connections: opened }: Measured): Readonly<Record<string, string | number>> {
  const inOrder = wallMs.toSorted((a, b) => a - b);
  const quantile = (share: number): string =>
    (inOrder[Math.min(inOrder.length - 1, Math.floor(inOrder.length * share))] ?? 0).toFixed(0);
  return {
    program: name,
    rounds: wallMs.length,
    'median ms': quantile(0.5),
    '95 % ms': quantile(0.95),
    'connections each': Math.max(...opened),
  };
}
