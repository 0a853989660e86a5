import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { clean } from '../../src/tasks/clean.ts';
import { noDatabase, runTask } from '../support/run-task.ts';

const SCRIPT = fileURLToPath(new URL('../support/clean-once.ts', import.meta.url));
/** How many children work at once. */
const AT_ONCE = 3;
const LINES = { app: 'app 1\napp 2\n', web: 'web 3\nweb 4\n', old: 'web 1\nweb 2\n' };

/** A log to copy and empty, one to rename with an older one to compress, and a folder whose time has come. */
function make(): { readonly root: string; readonly settings: object } {
  const root = mkdtempSync(join(tmpdir(), 'maint-clean-kill-'));
  writeFileSync(join(root, 'app.log'), LINES.app);
  writeFileSync(join(root, 'web.log'), LINES.web);
  writeFileSync(join(root, 'web.log.20261120T020000Z'), LINES.old);
  mkdirSync(join(root, 'build/deep'), { recursive: true });
  for (const path of ['build/a', 'build/deep/b']) writeFileSync(join(root, path), path);
  const old = new Date(Date.now() - 90 * 86_400_000);
  for (const path of ['build/a', 'build/deep/b', 'build/deep', 'build']) utimesSync(join(root, path), old, old);
  const logs = { root, size: '1 b', keep: 50 };
  return {
    root,
    settings: {
      rotate: [
        { ...logs, name: 'app', files: ['app.log'], method: 'copytruncate' },
        { ...logs, name: 'web', files: ['web.log'], method: 'rename', reopen: ['true'] },
      ],
      rules: [{ name: 'builds', root, folders: ['build*'], olderThan: '7 days' }],
    },
  };
}

/** @returns how many calls changed something; undefined where it was killed */
async function cleanInChild(settings: object, killAt: number): Promise<number | undefined> {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(settings), String(killAt)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
  await once(child, 'close');
  expect(child.exitCode ?? child.signalCode).toBe(killAt === 0 ? 0 : 'SIGKILL');
  return killAt === 0 ? Number(said) : undefined;
}

/** Every line of a log in the order of its files; files that are not whole have another name and do not count. */
function linesOf(root: string, log: string): string {
  return readdirSync(root)
    .filter((name) => name.startsWith(log))
    .toSorted((a, b) => (a === log ? 1 : b === log ? -1 : a < b ? -1 : 1))
    .map((name) => {
      const bytes = readFileSync(join(root, name));
      return name.endsWith('.zst') ? zstdDecompressSync(bytes).toString() : bytes.toString();
    })
    .join('');
}

async function killedAt(call: number): Promise<void> {
  const { root, settings } = make();
  await cleanInChild(settings, call);
  const where = `killed before call ${call}: ${readdirSync(root).join(' ')}`;
  // A kill between the copy and the emptying leaves the lines twice, one in the middle of a removal the plain file too.
  for (const line of LINES.app.trim().split('\n')) expect(linesOf(root, 'app.log'), where).toContain(line);
  for (const line of (LINES.old + LINES.web).trim().split('\n'))
    expect(linesOf(root, 'web.log'), where).toContain(line);
  if (existsSync(join(root, 'build'))) expect(readdirSync(join(root, 'build')), where).toEqual(['a', 'deep']);

  appendFileSync(join(root, 'web.log'), 'web 5\n');
  const outcomes = await runTask(clean, settings, {
    database: noDatabase,
    now: () => new Date(Date.now() + 60_000),
  });
  expect(
    outcomes.map(({ status }) => status),
    where,
  ).toEqual(['done', 'done', 'done']);
  const left = readdirSync(root).filter((name) => !/^(app|web)\.log(\.\d{8}T\d{6}Z(\.zst)?)?$/.test(name));
  expect(left, where).toEqual([]);
  expect(linesOf(root, 'app.log'), where).toContain(LINES.app);
  expect(new Set(linesOf(root, 'web.log').trim().split('\n')).size, where).toBe(5);
  rmSync(root, { recursive: true });
}

test('killed before any call that changes something, no line is lost and nothing half has a final name', async () => {
  const { root, settings } = make();
  const calls = (await cleanInChild(settings, 0)) ?? 0;
  expect(calls).toBeGreaterThan(12);
  expect(readdirSync(root).filter((name) => name.endsWith('.zst'))).toHaveLength(2);
  rmSync(root, { recursive: true });
  const waiting = Array.from({ length: calls }, (_, index) => index + 1);
  const work = async (): Promise<void> => {
    for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) await killedAt(call);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
});
