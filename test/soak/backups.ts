/**
 * Ten minutes of bad luck: a writer at 200 rows a second, backups and restore tests one after the other, and all the
 * while `kill -9` of any process. Afterwards every visible backup must restore with exact counts, and nothing may be
 * left behind. Run it as `npm run test:soak [seconds=600]`; the exit code is 0 where everything is whole.
 */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { startCluster } from '../../src/adapters/cluster.ts';
import { findServerPrograms } from '../../src/adapters/server-programs.ts';
import { readReceipts } from '../../src/backups/receipts.ts';
import { runMaint, startMaint, type MaintEnd } from '../support/maint.ts';
import { startKiller } from './killer.ts';
import { prepareTables, startWriter } from './writer.ts';

const seconds = Number(process.argv[2] ?? 600);
/** Below that perhaps nothing ends well between two kills. */
const LEAST_SECONDS = 60;
if (!(seconds >= LEAST_SECONDS)) throw new Error(`usage: npm run test:soak [seconds], ${LEAST_SECONDS} or more`);
const KEPT = 4;
/** A sandbox that nobody had time to sign is left alone for a minute. */
const UNSIGNED_MS = 61_000;

const [programs] = await findServerPrograms(process.env['PATH']);
if (programs === undefined) throw new Error('no PostgreSQL server programs found; install the package postgresql');
const folder = mkdtempSync(join(tmpdir(), 'maint-soak-'));
const repository = join(folder, 'backups');
const scratch = join(folder, 's');
const WITH_DATABASE = 'maint.yaml';
const WITHOUT_DATABASE = 'without-database.yaml';
const TESTING = ['restore-test', '--pick', 'random', '--scratch', scratch];
const cluster = await startCluster({
  binDirectory: programs.binDirectory,
  parentDirectory: tmpdir(),
  uid: process.getuid?.(),
  settings: { autovacuum: 'on' },
});
const problems: string[] = [];
try {
  await soak();
} finally {
  await cluster[Symbol.asyncDispose]();
  if (problems.length === 0) rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems) console.log(`PROBLEM ${problem}`);
console.log(problems.length === 0 ? 'everything is whole' : `kept for a look: ${folder}`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function soak(): Promise<void> {
  prepare();
  await prepareTables(cluster);
  const stop = new AbortController();
  const writer = startWriter(cluster, stop.signal);
  const killer = startKiller({ cluster, scratch }, stop.signal);
  const loops = [loop('backup', ['backup'], stop.signal), testsOnceThereIsOne(stop.signal)];
  const endsAt = performance.now() + seconds * 1_000;
  while (performance.now() < endsAt) {
    await sleep(Math.min(30_000, Math.max(0, endsAt - performance.now())));
    console.log(`${Math.max(0, (endsAt - performance.now()) / 1_000).toFixed(0)} s to go, ${visible().length} backups`);
  }
  stop.abort();
  const tallies = await Promise.all(loops);
  const killed = await killer;
  console.log(`rows written: ${await writer}`);
  for (const { name, ends } of tallies) console.log(`${name}: ${counted(ends)}`);
  console.log(`killed: ${counted(killed)}`);
  for (const { name, ends } of tallies) expectThat(`a ${name} went well in between`, ends.includes('exit 0'));
  await examine();
}

function prepare(): void {
  mkdirSync(scratch);
  // As root the server of a sandbox is another user, who must be able to pass.
  for (const path of [folder, scratch]) chmodSync(path, 0o711);
  const settings = {
    name: 'app',
    backups: { directory: repository },
    tasks: { backup: { keep: { last: KEPT } } },
  };
  writeConfig(WITH_DATABASE, { ...settings, database: { url: cluster.url('postgres') } });
  writeConfig(WITHOUT_DATABASE, settings);
}

function writeConfig(name: string, settings: object): void {
  writeFileSync(join(folder, name), stringify(settings), { mode: 0o600 });
}

/** Restore tests have a configuration and a state of their own: the lease and the lock would keep them from backups. */
function request(args: readonly string[]): Parameters<typeof startMaint>[0] {
  const isTest = args[0] === 'restore-test';
  const [config, state] = isTest ? [WITHOUT_DATABASE, 'state-tests'] : [WITH_DATABASE, 'state'];
  return { args: [...args, '--config', join(folder, config), '--state', join(folder, state)] };
}

/** Where there is no backup yet a restore test rightly fails, and would be taken for one that calls a good backup bad. */
async function testsOnceThereIsOne(signal: AbortSignal): Promise<Tally> {
  while (!signal.aborted && visible().length === 0) await sleep(200);
  return loop('restore-test', TESTING, signal);
}

interface Tally {
  readonly name: string;
  /** `exit 0` or `SIGKILL`, one for each run. */
  readonly ends: readonly string[];
}

async function loop(name: string, args: readonly string[], signal: AbortSignal): Promise<Tally> {
  const ends: string[] = [];
  const unexplained = /is a bug in maint/;
  while (!signal.aborted) {
    const end = await startMaint(request(args)).ended;
    ends.push(nameOf(end));
    // All backups are good: whatever is killed around them, none may be called bad.
    if (name === 'restore-test' && end.exitCode === 1) problems.push(`a good backup was called bad:\n${end.stdout}`);
    if (end.signal !== null && end.signal !== 'SIGKILL') problems.push(`${name} ended by itself with ${end.signal}`);
    if (unexplained.test(end.stderr + end.stdout)) problems.push(`${name} called itself broken:\n${end.stderr}`);
    // Both begin with a sweep; without a pause a run that is refused at once would spin.
    await sleep(200);
  }
  return { name, ends };
}

function nameOf({ exitCode, signal }: MaintEnd): string {
  return signal ?? `exit ${exitCode ?? '?'}`;
}

function counted(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count}× ${word}`).join(', ');
}

/** One more clean run of each, and then nothing may be wrong and nothing left. */
async function examine(): Promise<void> {
  await expectSuccess('backup');
  if (names(scratch).length > 0) await sleep(UNSIGNED_MS);
  await expectSuccess(...TESTING);
  await expectSuccess('verify-backup', '--all');
  for (const id of visible()) await restoreExactly(id);
  console.log(`restored with exact counts: ${visible().length}`);
  expectThat('only whole backups are left', names(join(repository, 'app')).length === visible().length);
  expectThat(`no more than ${KEPT} backups are kept`, visible().length <= KEPT);
  expectThat('no sandbox is left', names(scratch).length === 0);
  const chain = await readReceipts(repository, 'app');
  console.log(`receipts: ${chain.receipts.length}`);
  expectThat(`the chain of receipts is whole: ${chain.fault ?? ''}`, chain.fault === undefined);
  expectThat(`no process is left: ${left().join(', ')}`, left().length === 0);
}

/** Into the very server that is backed up; `maint restore` compares every table with the manifest. */
async function restoreExactly(id: string): Promise<void> {
  const name = `copy_${id.toLowerCase().replaceAll(/\W/g, '_')}`;
  await expectSuccess('restore', id, '--to-database', name);
}

async function expectSuccess(...args: readonly string[]): Promise<void> {
  const end = await runMaint(request(args));
  expectThat(`maint ${args.join(' ')} succeeds:\n${end.stdout}${end.stderr}`, end.exitCode === 0);
}

function expectThat(what: string, isSo: boolean): void {
  if (!isSo) problems.push(`not so: ${what}`);
}

function visible(): readonly string[] {
  return names(join(repository, 'app')).filter((name) => /^\d/.test(name));
}

function names(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    // Not made yet.
    return [];
  }
}

/** What still runs and has to do with the folder of this soak. */
function left(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const words = wordsOf(name);
      return words.includes(folder) ? [`${name} ${words.trim()}`] : [];
    });
}

function wordsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // It ended meanwhile.
    return '';
  }
}
