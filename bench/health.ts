/**
 * How long `maint health` takes as a whole process, and how many connections it opens, on a throw-away server: with what
 * it looks at by itself, and with thirty checks, of which ten go over the network of this host. Thirty must take less than
 * a second and one connection.
 * Run it with `node bench/health.ts [rounds]`; the built program (`npm run build`) must be there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
/** A process of its own, for this one waits for the contestants. */
const application = spawn(process.execPath, [
  '-e',
  `require('node:http').createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`,
]);
try {
  const [port] = await once(application.stdout, 'data');
  const results = await race(cluster, { state, thirty: await thirtyChecks(Number(String(port))) });
  console.table(results.map(row));
  const thirty = results.at(-1);
  const isMet = thirty !== undefined && median(thirty.wallMs) < 1_000 && Math.max(...thirty.connections) === 1;
  console.log(`thirty checks under 1 s and over one connection: ${isMet ? 'yes' : 'NO'}`);
  if (!isMet) process.exitCode = 1;
} finally {
  application.kill();
  await rm(state, { recursive: true, force: true });
}

/** Thirteen more than the seventeen that every database and host gets. @returns the path of a configuration */
async function thirtyChecks(port: number): Promise<string> {
  const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
    Array.from({ length: count }, (_, index) => make(index));
  const health = {
    disks: ['/'],
    http: many(6, (index) => ({ name: `page ${index}`, url: `http://127.0.0.1:${port}/${index}` })),
    tcp: many(4, (index) => ({ name: `port ${index}`, host: '127.0.0.1', port })),
    dataCounts: many(3, (index) => ({ name: `tables ${index}`, sql: 'SELECT count(*) FROM pg_class' })),
  };
  const path = join(state, 'maint.json');
  await writeFile(path, JSON.stringify({ tasks: { health } }));
  return path;
}

interface Places {
  readonly state: string;
  /** The configuration with thirty checks. */
  readonly thirty: string;
}

/** Runs all contestants in turn, round by round, so that what the machine does meanwhile meets each alike. */
async function race(server: Cluster, places: Places): Promise<readonly Measured[]> {
  const contestants = contestantsFor(server, places.thirty);
  const results = contestants.map(({ name }): Measured => ({ name, wallMs: [], connections: [] }));
  const env = { ...process.env, DATABASE_URL: server.url('postgres'), MAINT_STATE_DIR: places.state };
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

function contestantsFor(server: Cluster, thirty: string): readonly Contestant[] {
  if (!existsSync(BUILT)) throw new Error(`${BUILT} is missing: run npm run build first`);
  return [
    { name: 'empty Node program', command: [process.execPath, '-e', '0'] },
    { name: 'psql -c "SELECT 1"', command: ['psql', server.url('postgres'), '-qAtc', 'SELECT 1'] },
    { name: 'maint health', command: [process.execPath, DOOR, 'health'] },
    { name: 'maint health, 30 checks', command: [process.execPath, DOOR, 'health', '--config', thirty] },
  ];
}

async function connections({ directory }: Cluster): Promise<number> {
  const log = await readFile(join(directory, 'server.log'), 'utf8');
  return log.split('connection authorized').length - 1;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Infinity;
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
