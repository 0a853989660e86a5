import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { REPOSITORY_FILE } from '../../src/backups/layout.ts';
import { clean } from '../../src/tasks/clean.ts';
import { noDatabase, performSteps, planTask, runTask } from '../support/run-task.ts';

const DAY_MS = 86_400_000;

let root: string;
let outside: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'maint-clean-'));
  outside = mkdtempSync(join(tmpdir(), 'maint-clean-outside-'));
});

afterEach(() => {
  for (const folder of [root, outside]) rmSync(folder, { recursive: true, force: true });
});

/** Makes files of one page each, that old. */
function put(daysOld: number, ...paths: readonly string[]): void {
  const at = new Date(Date.now() - daysOld * DAY_MS);
  for (const path of paths) {
    const file = path.startsWith('/') ? path : join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, path.padEnd(4_096));
    utimesSync(file, at, at);
  }
}

/** A folder is as old as its last change, so it is set last. */
function age(daysOld: number, ...folders: readonly string[]): void {
  const at = new Date(Date.now() - daysOld * DAY_MS);
  for (const folder of folders) utimesSync(join(root, folder), at, at);
}

const rule = (settings: object): object => ({ rules: [{ name: 'old', root, olderThan: '7 days', ...settings }] });
const around = { database: noDatabase };
const run = async (settings: object) => {
  const [outcome] = await runTask(clean, rule(settings), around);
  return outcome;
};

/** Every name below the root. */
function tree(folder = root): readonly string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const below = entries.flatMap((entry) => [
    entry.name,
    ...(entry.isDirectory() ? tree(join(folder, entry.name)).map((name) => `${entry.name}/${name}`) : []),
  ]);
  return below.toSorted();
}

/** Names, contents, owners, rights and times of all that lies in both folders; reading a folder may set when it was read. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const folder of [root, outside])
    for (const name of ['.', ...tree(folder)]) {
      const facts = lstatSync(join(folder, name));
      const read = facts.isFile() ? facts.atimeMs : '';
      hash.update(
        `${name} ${facts.ino} ${facts.mode} ${facts.uid} ${facts.nlink} ${facts.mtimeMs} ${facts.ctimeMs} ${read}\n`,
      );
    }
  return hash.digest('hex');
}

describe('clean', () => {
  test('without a rule removes nothing and says so', async () => {
    const [outcome] = await runTask(clean, {}, around);
    expect(outcome).toMatchObject({ status: 'skip', summary: 'no rule is configured, so nothing is ever removed' });
  });

  test('removes what a rule covers and is old, oldest first, and says what that freed', async () => {
    put(8, 'a.tmp', 'deep/er/b.tmp');
    put(30, 'c.tmp');
    put(2, 'young.tmp');
    put(90, 'other.txt', '.hidden.tmp');
    const outcome = await run({ files: ['**/*.tmp'] });
    expect(tree()).toEqual(['.hidden.tmp', 'deep', 'deep/er', 'other.txt', 'young.tmp']);
    expect(outcome).toMatchObject({
      status: 'done',
      summary: `3 files below ${root} removed, 12 kB freed`,
      facts: { rule: 'old', removed: 3, bytes: 12_288, remainingBytes: 4_096, waiting: 0 },
      samples: [
        { name: 'clean.freed', subject: 'old', value: 12_288, unit: 'bytes' },
        { name: 'clean.remaining', subject: 'old', value: 4_096, unit: 'bytes' },
      ],
    });
    expect(outcome?.facts?.['oldest']).toContain(new Date(Date.now() - 30 * DAY_MS).toISOString().slice(0, 10));
    expect(await run({ files: ['**/*.tmp'] })).toMatchObject({ summary: `no file below ${root} had to go` });
  });

  test('keeps to a total and a count, spares the newest and the young, and leaves the rest for the next run', async () => {
    put(5, 'a5', 'b5');
    put(3, 'c3');
    put(2, 'd2');
    put(0, 'e0');
    const limits = { files: ['*'], olderThan: undefined };
    expect(await run({ ...limits, maxTotal: '14 kB' })).toMatchObject({ facts: { removed: 2 } });
    expect(tree()).toEqual(['c3', 'd2', 'e0']);
    expect(await run({ ...limits, maxCount: 0, maxPerRun: 1 })).toMatchObject({
      status: 'warn',
      detail: 'clean.remaining',
      facts: { removed: 1, waiting: 1 },
    });
    expect(tree()).toEqual(['d2', 'e0']);
    expect(await run({ ...limits, maxCount: 0, keepNewest: 2 })).toMatchObject({ facts: { removed: 0 } });
    expect(await run({ ...limits, maxCount: 0 })).toMatchObject({ facts: { removed: 1 } });
    expect(tree(), 'what was written to within the hour stays').toEqual(['e0']);
  });

  test('removes whole folders by the newest thing in them, and goes on where a killed run had begun', async () => {
    put(90, 'build-1/x', 'build-1/deep/y', 'build-2/x', 'build-2/deep/y', 'keep/x', '.maint-removing.build-4/x');
    put(1, 'build-2/deep/fresh');
    put(90, 'build-3/x');
    symlinkSync(outside, join(root, 'build-1/link'));
    put(90, join(outside, 'precious'));
    age(90, 'build-1/deep', 'build-2/deep', 'build-1', 'build-2');
    const outcome = await run({ files: undefined, folders: ['build-*'] });
    expect(tree().filter((name) => !name.includes('/'))).toEqual(['build-1', 'build-2', 'build-3', 'keep']);
    expect(outcome).toMatchObject({ facts: { removed: 1 } });

    rmSync(join(root, 'build-1/link'));
    age(90, 'build-1', 'build-3');
    expect(await run({ files: undefined, folders: ['build-*'] })).toMatchObject({ facts: { removed: 2, files: 3 } });
    expect(tree().filter((name) => !name.includes('/'))).toEqual(['build-2', 'keep']);
    expect(existsSync(join(outside, 'precious'))).toBe(true);
  });

  test('removes a link in an old folder, and nothing that it points to', async () => {
    put(90, join(outside, 'precious/file'), 'build/x');
    symlinkSync(join(outside, 'precious'), join(root, 'build/link'));
    age(90, 'build');
    const [step] = await planTask(
      clean,
      rule({ folders: ['build'], olderThan: '1 ms', keepYoungerThan: '1 ms' }),
      around,
    );
    expect(await performSteps(step === undefined ? [] : [step], around)).toMatchObject([{ facts: { removed: 1 } }]);
    expect(tree()).toEqual([]);
    expect(tree(outside)).toEqual(['precious', 'precious/file']);
  });

  test('never leaves its root: links are not followed, also one that takes the place of a folder after the look', async () => {
    put(90, 'a/old.tmp', 'z.tmp', join(outside, 'old.tmp'));
    mkdirSync(join(outside, 'a'));
    // The very file that was chosen, under a name outside: nothing but the way there tells them apart.
    linkSync(join(root, 'a/old.tmp'), join(outside, 'a/old.tmp'));
    symlinkSync(outside, join(root, 'link'));
    symlinkSync(join(outside, 'old.tmp'), join(root, 'link.tmp'));
    const steps = await planTask(clean, rule({ files: ['**/*.tmp'] }), around);
    expect(steps[0]?.intent?.join('\n')).not.toContain('link');
    renameSync(join(root, 'a'), join(root, 'moved'));
    symlinkSync(join(outside, 'a'), join(root, 'a'));
    const [outcome] = await performSteps(steps, around);
    expect(outcome).toMatchObject({ facts: { removed: 1 } });
    expect(tree(outside)).toEqual(['a', 'a/old.tmp', 'old.tmp']);
    expect(tree()).toEqual(['a', 'link', 'link.tmp', 'moved', 'moved/old.tmp']);
  });

  test('leaves what changed after the look, what took its place, and what a process has open', async () => {
    put(90, 'changed.tmp', 'replaced.tmp', 'open.tmp', 'plain.tmp', 'busy/x', 'idle/x');
    age(90, 'busy', 'idle');
    const child = spawn('sh', ['-c', 'exec 3<open.tmp; cd busy && echo ready && exec sleep 60'], { cwd: root });
    try {
      await once(child.stdout, 'data');
      const [files, folders] = await Promise.all([
        planTask(clean, rule({ files: ['*.tmp'] }), around),
        planTask(clean, rule({ folders: ['busy', 'idle'] }), around),
      ]);
      writeFileSync(join(root, 'changed.tmp'), 'new');
      rmSync(join(root, 'replaced.tmp'));
      put(91, 'replaced.tmp');
      const outcomes = await performSteps([...files, ...folders], around);
      expect(outcomes).toMatchObject([
        { status: 'done', facts: { removed: 1, left: { changed: 2, open: 1 } } },
        { status: 'done', facts: { removed: 1, left: { open: 1 } } },
      ]);
      expect(tree()).toEqual(['busy', 'busy/x', 'changed.tmp', 'open.tmp', 'replaced.tmp']);
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });

  test('counts what has another name elsewhere as nothing freed', async () => {
    put(90, 'a.tmp', 'b.tmp');
    linkSync(join(root, 'a.tmp'), join(outside, 'same'));
    expect(await run({ files: ['*.tmp'] })).toMatchObject({ facts: { removed: 2, bytes: 4_096 } });
    expect(readFileSync(join(outside, 'same'), 'utf8').trim()).toBe('a.tmp');
  });

  test('looks without changing anything, names what would go, and does so in words fit for a terminal', async () => {
    put(91, 'a.tmp');
    put(90, 'build/x', 'odd\u001b[31m.tmp', join(outside, 'x'));
    symlinkSync(outside, join(root, 'link'));
    age(90, 'build', '.');
    const before = fingerprint();
    const steps = await planTask(
      clean,
      {
        rules: [
          { name: 'files', root, files: ['*.tmp'], olderThan: '7 days' },
          { name: 'folders', root, folders: ['build'], maxCount: 0 },
        ],
      },
      around,
    );
    expect(fingerprint()).toBe(before);
    expect(steps.map(({ title }) => title)).toEqual(['rule files', 'rule folders']);
    expect(steps[0]?.intent).toEqual([
      `2 files of 2 below ${root} would go: 8.0 kB of 8.0 kB`,
      expect.stringMatching(/^remove a\.tmp \(4\.0 kB, last written to \d{4}-\d\d-\d\d \d\d:\d\d UTC\)$/),
      expect.stringMatching(/^remove odd\.tmp /),
    ]);
    expect(steps[1]?.intent?.[0]).toContain(`1 folder of 1 below ${root} would go`);
  });

  test('stops between two files when it is told to, and says how far it came', async () => {
    put(90, 'a', 'b', 'c');
    const controller = new AbortController();
    const [outcome] = await runTask(clean, rule({ files: ['*'] }), {
      ...around,
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 2) controller.abort('SIGTERM');
      },
    });
    expect(outcome).toMatchObject({ status: 'warn', facts: { removed: 2, waiting: 1 } });
    expect(outcome?.summary).toContain('1 wait: it was stopped');
    expect(tree()).toHaveLength(1);
  });

  test('never touches a database, backups or the state of maint', async () => {
    for (const mark of ['PG_VERSION', REPOSITORY_FILE, 'journal.sqlite']) {
      put(90, `data/${mark}`, 'data/base/1.tmp', 'x.tmp');
      age(90, 'data/base', 'data');
      expect(await run({ files: ['**/*.tmp'] })).toMatchObject({ facts: { removed: 1, left: { guarded: 1 } } });
      expect(await run({ files: undefined, folders: ['data'] })).toMatchObject({ facts: { removed: 0 } });
      for (const inside of [join(root, 'data'), join(root, 'data/base')])
        expect(await run({ root: inside, files: ['*'] })).toMatchObject({
          status: 'fail',
          detail: 'clean.root_refused',
        });
      expect(tree()).toEqual(['data', `data/${mark}`, 'data/base', 'data/base/1.tmp'].toSorted());
      rmSync(join(root, 'data'), { recursive: true });
    }
    put(90, 'data/PG_VERSION', 'data/log/postgresql.log');
    expect(await run({ root: join(root, 'data/log'), files: ['*.log'] })).toMatchObject({ facts: { removed: 1 } });
    const [outcome] = await runTask(clean, rule({ files: ['*'] }), { ...around, backups: { directory: root } });
    expect(outcome).toMatchObject({ status: 'fail', detail: 'clean.root_refused' });
  });

  test('refuses roots of the system at once, and a link to one as well', async () => {
    for (const path of ['/', '/etc', '/etc/cron.d', '/usr/lib/x', '/home', '/home/ann', '/var', '/var/lib', 'relative'])
      expect(clean.settings.safeParse(rule({ root: path, files: ['*'] })).success, path).toBe(false);
    for (const path of ['/tmp', '/var/log', '/var/lib/app/', '/home/ann/tmp'])
      expect(clean.settings.safeParse(rule({ root: path, files: ['*'] })).success, path).toBe(true);
    for (const pattern of ['/etc/*', '../*', 'a/../../b', ''])
      expect(clean.settings.safeParse(rule({ files: [pattern] })).success, pattern).toBe(false);
    symlinkSync('/etc', join(root, 'innocent'));
    expect(await run({ root: join(root, 'innocent'), files: ['*'] })).toMatchObject({
      status: 'fail',
      summary: 'nothing was touched: /etc belongs to the operating system',
    });
    expect(await run({ root: '/var/mail/../../root', files: ['*'] }).catch(String)).toMatch(/shared|home/);
  });

  test('goes on with the next rule, and says which root is not there', async () => {
    put(90, 'a');
    const outcomes = await runTask(
      clean,
      {
        rules: [
          { name: 'away', root: join(root, 'nowhere'), files: ['*'], olderThan: '1 day' },
          { name: 'here', root, files: ['*'], olderThan: '1 day' },
        ],
      },
      around,
    );
    expect(outcomes).toMatchObject([{ status: 'warn', detail: 'clean.no_root' }, { facts: { removed: 1 } }]);
  });
});

test('a second mount of the same disk counts as another disk', async ({ skip }) => {
  const { status } = await mountOver(outside, join(root, 'mounted'));
  skip(status !== 0, 'mount --bind needs root, and a container that allows it');
  try {
    put(90, join(outside, 'old.tmp'), 'plain/old.tmp');
    expect(await run({ files: ['**/*.tmp'] })).toMatchObject({ facts: { removed: 1, left: { mount: 1 } } });
    age(90, 'plain');
    expect(await run({ files: undefined, folders: ['*'], olderThan: '1 ms', keepYoungerThan: '1 ms' })).toMatchObject({
      facts: { removed: 1, left: { mount: 1 } },
    });
    expect(tree(outside)).toEqual(['old.tmp']);
  } finally {
    await once(spawn('umount', [join(root, 'mounted')]), 'close');
  }
});

async function mountOver(from: string, to: string): Promise<{ readonly status: number | null }> {
  mkdirSync(to);
  const child = spawn('mount', ['--bind', from, to], { stdio: 'ignore' });
  await once(child, 'close').catch(() => undefined);
  return { status: child.exitCode };
}
