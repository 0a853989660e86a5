/**
 * Ten questions to a server: by `check_postgres`, a process and a connection for each action, and by one `maint health`.
 * Both in the same run, in turn. Run it with `node bench/check-postgres.ts [rounds]`; it needs the Debian package
 * check-postgres (`apt-get install check-postgres`) and the built program (`npm run build`).
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster } from '../src/adapters/cluster.ts';
import { findServerPrograms } from '../src/adapters/server-programs.ts';

const DOOR = join(import.meta.dirname, '..', 'bin', 'maint.js');
const ROUNDS = Number(process.argv[2] ?? 10);

/** The action of check_postgres with the thresholds it insists on, and what `maint health` calls the same question. */
const QUESTIONS: readonly (readonly [action: string, title: string, ...thresholds: readonly string[]])[] = [
  ['connection', 'database answers'],
  ['backends', 'connections'],
  ['txn_time', 'long transactions', '--warning=300', '--critical=3600'],
  ['txn_idle', 'idle in transaction', '--warning=300', '--critical=3600'],
  ['locks', 'blocked sessions'],
  ['txn_wraparound', 'transaction ids'],
  ['sequence', 'sequences'],
  ['replication_slots', 'replication', '--warning=1GB', '--critical=5GB'],
  ['timesync', 'clock'],
  ['disk_space', 'disk /'],
];

const [programs] = await findServerPrograms(process.env['PATH']);
if (programs === undefined) throw new Error('no PostgreSQL server programs were found; install the package postgresql');
if (spawnSync('check_postgres', ['--version']).error !== undefined)
  throw new Error('check_postgres was not found; install the package check-postgres');
await using cluster = await startCluster({ ...programs, parentDirectory: tmpdir(), uid: process.getuid?.() });
const state = await mkdtemp(join(tmpdir(), 'maint-bench-'));
try {
  const [theirs, ours]: [number[], number[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const [them, us] = [timed(askTheirs), timed(askOurs)];
    // The first round warms up caches.
    if (round > 0) theirs.push(them);
    if (round > 0) ours.push(us);
  }
  const ratio = middle(theirs) / middle(ours);
  console.table([
    {
      program: `check_postgres, ${QUESTIONS.length} actions`,
      rounds: theirs.length,
      'median ms': middle(theirs).toFixed(0),
    },
    { program: 'maint health', rounds: ours.length, 'median ms': middle(ours).toFixed(0) },
  ]);
  console.log(`check_postgres takes ${ratio.toFixed(1)} times as long; 5 are promised: ${ratio >= 5 ? 'yes' : 'NO'}`);
  if (ratio < 5) process.exitCode = 1;
} finally {
  await rm(state, { recursive: true, force: true });
}

function askTheirs(): void {
  const server = [`--host=${cluster.socketDirectory}`, '--dbuser=postgres', '--dbname=postgres'];
  for (const [action, , ...thresholds] of QUESTIONS) {
    const args = [`--action=${action}`, ...server, ...thresholds];
    const { status, stdout, stderr } = spawnSync('check_postgres', args, { encoding: 'utf8' });
    // 0 to 2 are verdicts; 3 is no answer.
    if (status === null || status > 2) throw new Error(`check_postgres ${action} gave no answer: ${stdout}${stderr}`);
  }
}

function askOurs(): void {
  const env = { ...process.env, DATABASE_URL: cluster.url('postgres'), MAINT_STATE_DIR: state };
  const { stdout, stderr } = spawnSync(process.execPath, [DOOR, 'health', '--json'], { env, encoding: 'utf8' });
  for (const [, title] of QUESTIONS)
    if (!stdout.includes(`"title": "${title}"`)) throw new Error(`maint health did not answer "${title}": ${stderr}`);
}

function timed(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
