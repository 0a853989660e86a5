import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clean } from '../../src/tasks/clean.ts';
import { noDatabase, planTask, runTask } from '../support/run-task.ts';

let root: string;
let running: ChildProcess | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'maint-logs-'));
});

afterEach(async () => {
  if (running !== undefined && running.exitCode === null && running.signalCode === null) {
    running.kill('SIGKILL');
    await once(running, 'close');
  }
  running = undefined;
  rmSync(root, { recursive: true, force: true });
});

const COPY = { name: 'app', root: '', files: ['*.log'], size: '1 kB', keep: 3, method: 'copytruncate' };
const rotation = (changes: object = {}): object => ({ rotate: [{ ...COPY, root, ...changes }] });
const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 2, minute));
const run = async (changes: object, minute: number) => {
  const [outcome] = await runTask(clean, rotation(changes), { database: noDatabase, now: () => at(minute) });
  return outcome;
};
const file = (name: string): string => join(root, name);
const names = (): readonly string[] => readdirSync(root).toSorted();

/** Lines with numbers, so many bytes of them or more. */
function lines(from: number, bytes = 2_000): string {
  let text = '';
  for (let number = from; text.length < bytes; number += 1) text += `line ${number}\n`;
  return text;
}

/** Everything that was ever written, oldest first. */
function everything(): string {
  return names()
    .filter((name) => name.startsWith('app.log'))
    .toSorted((a, b) => (a === 'app.log' ? 1 : b === 'app.log' ? -1 : a < b ? -1 : 1))
    .map((name) => contents(name))
    .join('');
}

function contents(name: string): string {
  const bytes = readFileSync(file(name));
  if (name.endsWith('.zst')) return zstdDecompressSync(bytes).toString();
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
}

test('copies, empties and compresses a log, keeps so many, and leaves one alone that is small', async () => {
  writeFileSync(file('small.log'), 'x');
  writeFileSync(file('app.log'), lines(0), { mode: 0o640 });
  const inode = statSync(file('app.log')).ino;
  const outcome = await run({}, 0);
  expect(outcome).toMatchObject({
    status: 'done',
    summary: expect.stringMatching(/^1 log below .* put aside, 2\.0 kB; 1 compressed, 2\.0 kB to \d+ bytes$/),
    facts: { rotation: 'app', putAside: 1, packed: 1, removed: 0, reopened: false },
  });
  expect(names()).toEqual(['app.log', 'app.log.20261121T020000Z.zst', 'small.log']);
  expect(contents('app.log.20261121T020000Z.zst')).toBe(lines(0));
  expect(statSync(file('app.log.20261121T020000Z.zst')).mode & 0o777).toBe(0o640);
  expect(statSync(file('app.log'))).toMatchObject({ ino: inode, size: 0 });
  expect(await run({}, 1)).toMatchObject({ status: 'done', facts: { putAside: 0, packed: 0 } });

  for (const minute of [2, 3, 4]) {
    appendFileSync(file('app.log'), lines(minute));
    await run({ compress: minute === 3 ? 'gzip' : 'zstd' }, minute);
  }
  expect(names()).toEqual([
    'app.log',
    'app.log.20261121T020200Z.zst',
    'app.log.20261121T020300Z.gz',
    'app.log.20261121T020400Z.zst',
    'small.log',
  ]);
  expect(everything()).toBe(lines(2) + lines(3) + lines(4));
});

test('puts a log aside by its age, and keeps it as it is where that is asked for', async () => {
  const byAge = { size: undefined, age: '1 day', compress: 'none' };
  writeFileSync(file('app.log'), 'a line\n');
  const born = statSync(file('app.log')).birthtimeMs;
  const now = (days: number): { database: typeof noDatabase; now: () => Date } => ({
    database: noDatabase,
    now: () => new Date(born + days * 86_400_000 + 60_000),
  });
  expect(await runTask(clean, rotation(byAge), now(0.9))).toMatchObject([{ facts: { putAside: 0 } }]);
  expect(await runTask(clean, rotation(byAge), now(1))).toMatchObject([{ facts: { putAside: 1, packed: 0 } }]);
  appendFileSync(file('app.log'), 'another\n');
  expect(await runTask(clean, rotation(byAge), now(1.9))).toMatchObject([{ facts: { putAside: 0 } }]);
  expect(await runTask(clean, rotation(byAge), now(2))).toMatchObject([{ facts: { putAside: 1 } }]);
  expect(everything()).toBe('a line\nanother\n');
});

/** Appends numbered lines, and opens its log anew when it is told to. */
const PROGRAM = `
  const fs = require('node:fs');
  let log = fs.openSync('app.log', 'a');
  process.on('SIGHUP', () => { fs.closeSync(log); log = fs.openSync('app.log', 'a'); });
  let number = 0;
  setInterval(() => { for (let i = 0; i < 50; i += 1) fs.writeSync(log, 'line ' + number++ + '\\n'); }, 1);
  process.stdout.write('ready');
`;

test('renames a log, tells its program, and loses no line of it', async () => {
  running = spawn(process.execPath, ['-e', PROGRAM], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(running.stdout ?? running, 'data');
  const byRename = { method: 'rename', reopen: ['kill', '-HUP', String(running.pid)], keep: 50 };
  for (let minute = 0; minute < 6; minute += 1) {
    while ((statSync(file('app.log'), { throwIfNoEntry: false })?.size ?? 0) < 2_000) await setTimeout(2);
    expect(await run(byRename, minute)).toMatchObject({ status: 'done', facts: { putAside: 1, reopened: true } });
  }
  running.kill();
  await once(running, 'close');
  expect(names().filter((name) => name.endsWith('.zst'))).toHaveLength(5);
  expect(existsSync(file('app.log.20261121T020500Z'))).toBe(true);
  const written = everything().trimEnd().split('\n');
  expect(written.length).toBeGreaterThan(500);
  expect(written.findIndex((line, index) => line !== `line ${index}`)).toBe(-1);
});

test('a command that fails is a failure, and a later run tells the program that still writes to the old file', async () => {
  running = spawn(process.execPath, ['-e', PROGRAM], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(running.stdout ?? running, 'data');
  while (statSync(file('app.log')).size < 2_000) await setTimeout(2);
  expect(await run({ method: 'rename', reopen: ['false'] }, 0)).toMatchObject({
    status: 'fail',
    detail: 'clean.rotation_failed',
    summary: expect.stringContaining('false ended with exit code 1'),
  });
  expect(existsSync(file('app.log'))).toBe(false);
  const reopen = ['kill', '-HUP', String(running.pid)];
  expect(await run({ method: 'rename', reopen }, 1)).toMatchObject({ status: 'done', facts: { reopened: true } });
  while (!existsSync(file('app.log'))) await setTimeout(2);
});

test('a program that does not append is found out before its log is emptied, and so is a second name of a log', async () => {
  running = spawn('sh', ['-c', `seq 1000 > app.log; exec 3<>app.log; echo ready; exec sleep 60`], { cwd: root });
  await once(running.stdout ?? running, 'data');
  expect(await run({}, 0)).toMatchObject({
    status: 'fail',
    summary: expect.stringContaining(`process ${running.pid} does not append to ${file('app.log')}`),
  });
  linkSync(file('app.log'), file('precious'));
  expect(await run({}, 0)).toMatchObject({ summary: expect.stringContaining('has another name elsewhere') });
  expect(statSync(file('app.log')).size).toBeGreaterThan(2_000);
  expect(names()).toEqual(['app.log', 'precious']);
});

test('takes no link for a log, and does not follow one', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'maint-logs-outside-'));
  writeFileSync(join(outside, 'app.log'), lines(0));
  symlinkSync(join(outside, 'app.log'), file('app.log'));
  symlinkSync(outside, file('folder'));
  expect(await run({ files: ['**/*.log'] }, 0)).toMatchObject({ status: 'warn', detail: 'clean.no_log' });
  expect(readFileSync(join(outside, 'app.log'), 'utf8')).toBe(lines(0));
  rmSync(outside, { recursive: true });
});

test('finishes what a killed run began: half files go, a plain file goes once its compressed one is proven', async () => {
  writeFileSync(file('.app.log.20261120T020000Z.zst.partial'), 'half');
  writeFileSync(file('.app.log.20261120T020000Z.partial'), 'half');
  writeFileSync(file('app.log.20261120T020000Z'), lines(0));
  writeFileSync(file('app.log.20261120T020000Z.zst'), zstdCompressSync(lines(0)));
  writeFileSync(file('app.log.20261119T020000Z'), lines(1));
  writeFileSync(file('app.log.20261119T020000Z.zst'), zstdCompressSync(lines(2)));
  writeFileSync(file('other.log.20261119T020000Z'), lines(3));
  writeFileSync(file('other.log.20261119T020000Z.gz'), gzipSync(lines(3)).subarray(0, 30));
  const outcome = await run({ files: ['app.log'] }, 0);
  expect(outcome).toMatchObject({
    status: 'fail',
    facts: { failures: [expect.stringContaining('app.log.20261119T020000Z.zst is there and does not hold what')] },
  });
  rmSync(file('app.log.20261119T020000Z'));
  expect(await run({ files: ['app.log'] }, 0)).toMatchObject({ status: 'done', facts: { packed: 1 } });
  expect(await run({ files: ['other.log'], compress: 'gzip' }, 0)).toMatchObject({ status: 'fail' });
  expect(names()).toEqual([
    'app.log.20261119T020000Z.zst',
    'app.log.20261120T020000Z.zst',
    'other.log.20261119T020000Z',
    'other.log.20261119T020000Z.gz',
  ]);
});

test('says what it would do and changes nothing', async () => {
  writeFileSync(file('app.log'), lines(0));
  writeFileSync(file('app.log.20261120T020000Z'), lines(1));
  mkdirSync(file('data.log'));
  chmodSync(file('app.log'), 0o600);
  utimesSync(file('app.log'), at(0), at(0));
  const before = names().map((name) => ({ ...statSync(file(name)), name }));
  const [step] = await planTask(clean, rotation({ method: 'rename', reopen: ['systemctl', 'reload', 'app'] }), {
    database: noDatabase,
    now: () => at(0),
  });
  expect(step).toMatchObject({ title: 'logs app' });
  expect(step?.intent).toEqual(['rename app.log to app.log.20261121T020000Z (2.0 kB)', 'run systemctl reload app']);
  expect(names().map((name) => ({ ...statSync(file(name)), name }))).toEqual(before);
});
