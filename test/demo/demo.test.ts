import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processes, until } from '../support/process-table.ts';

const DEMO = join(import.meta.dirname, '../../demo/demo.ts');

interface Demo {
  readonly child: ChildProcess;
  readonly exitCode: Promise<number | null>;
  /** What it has printed so far. */
  said(): string;
  /** The folder that it works in, once it has named it. */
  folder(): string;
}

function startDemo(...args: readonly string[]): Demo {
  const child = spawn(process.execPath, [DEMO, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  return {
    child,
    exitCode: once(child, 'close').then(() => child.exitCode),
    said: () => said,
    folder: () => /\S+\/maint-demo-\w+/.exec(said)?.[0] ?? '',
  };
}

/** What a demo has left behind: its folder, and the processes that work in it. */
function leftBy(demo: Demo): readonly string[] {
  const folder = demo.folder();
  const alive = processes().filter(({ commandLine }) => commandLine.includes(folder));
  return [...(existsSync(folder) ? [folder] : []), ...alive.map(({ commandLine }) => commandLine)];
}

/** The text between one chapter's heading and the next. */
function chapter(text: string, title: string): string {
  const [, told = `no chapter ${title} in ${text}`] = text.split(new RegExp(`\\n\\d\\. ${title}.*\\n`));
  return told.split(/\n\d\. /)[0] ?? '';
}

test('the demo tells its story to the end and leaves nothing behind', async () => {
  const demo = startDemo();
  expect(await demo.exitCode, demo.said()).toBe(0);
  const said = demo.said();
  expect(chapter(said, 'A good night')).toMatch(/✓ backup {2}dump pigeon[^]*nothing failed\n[^\n]*\nexit code 0/);
  expect(chapter(said, 'A good night')).toMatch(/! health {2}sequences +public\.receipts_id_seq has used 97 %/);
  expect(chapter(said, 'What ran when')).toMatch(/! daily +warn/);
  const bad = chapter(said, 'A bad night');
  expect(bad).toMatch(/✗ health {2}database answers[^]*✗ health {2}http pigeon[^]*exit code 1\n[^]*Slack/);
  expect(bad).toMatch(/│ \*FAIL\* health, database answers \(new/);
  const mended = chapter(said, 'The server is started again');
  expect(mended).toMatch(/nothing failed\n[^\n]*\nexit code 0\n[^]*│ \*OK\* health, database answers/);
  expect(chapter(said, 'Would we get it all back')).toMatch(/✓ verify-backup[^]*✓ verify-backup[^]*exit code 0/);
  expect(chapter(said, 'And if one byte')).toMatch(/✗ verify-backup[^]*exit code 1/);
  expect(demo.folder()).not.toBe('');
  expect(leftBy(demo)).toEqual([]);
});

test.each([
  ['while the app is built', 'All of it lies in', 'SIGINT', 130],
  ['while maint runs', '$ node bin/maint.js daily', 'SIGTERM', 143],
  ['while the server is down', '4. A bad night', 'SIGINT', 130],
] as const)('a signal %s ends the demo, which leaves nothing behind', async (_, words, signal, exitCode) => {
  const demo = startDemo();
  await until(`it says ${words}`, () => demo.said().includes(words));
  const before = demo.folder();
  demo.child.kill(signal);
  expect(await demo.exitCode, demo.said()).toBe(exitCode);
  expect(demo.said()).toContain('stopped');
  expect(before).toBe(demo.folder());
  expect(leftBy(demo)).toEqual([]);
});
