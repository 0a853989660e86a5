import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { startCluster, type Cluster } from '../../src/adapters/cluster.ts';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { libpqEnvironment, parseConnection } from '../../src/adapters/connection.ts';
import { openSession, type Session } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import type { TaskReport } from '../../src/engine/report.ts';
import { runTasks } from '../../src/engine/run.ts';
import { TIERS, type Task } from '../../src/engine/task.ts';
import { isProblem } from '../../src/engine/verdict.ts';
import { tasks } from '../../src/tasks/index.ts';
import { LIMITS, queryOnce } from '../support/database.ts';
import { silentLog } from '../support/log.ts';
import { placesAt } from '../support/backup-places.ts';

/** Settings that a task needs before it can run at all; most run with none. */
const SETTINGS: Readonly<Record<string, (folder: string) => object>> = {
  health: (folder) => ({
    disks: [folder],
    disk: { warnAt: 0.98, failAt: 0.99 },
    memory: { warnAt: 0.98, failAt: 0.99 },
  }),
  backup: (folder) => ({ directory: join(folder, 'backups'), keep: { last: 2 } }),
  prune: () => ({ rules: [{ name: 'visits', table: 'visits', age: 'at', olderThan: '90 days' }] }),
  clean: (folder) => ({ rules: [{ name: 'old', root: folder, files: ['*.tmp'], olderThan: '7 days' }] }),
  'verify-backup': (folder) => ({ directory: join(folder, 'backups') }),
  'restore-test': (folder) => ({ directory: join(folder, 'backups') }),
  'cert-audit': () => ({ postgres: true, tokens: [{ name: 'hosting', expires: '2999-01-01' }] }),
};

/** Tasks that consist of checks. */
const CHECKING = ['health', 'cert-audit'];
const RUNBOOKS = join(import.meta.dirname, '../../docs/runbooks');

let cluster: Cluster;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'maint-contract-'));
  cluster = await startCluster({
    binDirectory: inject('binDirectory'),
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
  });
  await queryOnce(cluster.url('postgres'), 'CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 100) g');
  await queryOnce(
    cluster.url('postgres'),
    `CREATE TABLE visits AS SELECT now() - g * interval '1 day' AS at FROM generate_series(0, 100) g`,
  );
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Circumstances {
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  readonly url?: string;
  readonly folder?: string;
}

async function runTask(task: Task, circumstances: Circumstances = {}): Promise<TaskReport> {
  const connection = parseConnection(new Secret(circumstances.url ?? cluster.url('postgres')));
  const open = (mode: 'read-only' | 'read-write'): Session =>
    openSession({
      connection,
      mode,
      limits: { ...LIMITS, connectTimeoutMs: 2_000 },
      applicationName: 'maint/contract',
    });
  await using reader = open('read-only');
  await using writer = open('read-write');
  const settings = task.settings.parse(SETTINGS[task.name]?.(circumstances.folder ?? folder) ?? {});
  const [report] = await runTasks({
    tasks: [{ task, settings, deadlineMs: task.deadlineMs }],
    dryRun: circumstances.dryRun ?? false,
    signal: circumstances.signal ?? new AbortController().signal,
    log: silentLog,
    project: 'app',
    backups: placesAt(join(folder, 'data')),
    timezone: 'UTC',
    reader,
    writer,
    clients: clientPrograms([], process.env['PATH'], libpqEnvironment(connection)),
    history: { samples: () => [] },
    observer: { stepStarted: () => undefined, progressed: () => undefined, stepEnded: () => undefined },
    now: () => new Date(),
    monotonicMs: () => performance.now(),
  });
  if (report === undefined) throw new Error('the engine gave no report');
  return report;
}

async function nextTransaction(): Promise<unknown> {
  return queryOnce(cluster.url('postgres'), 'SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next');
}

/** Every field of a settings block, with its path. */
function fieldsOf(
  schema: unknown,
  path: readonly string[] = [],
): readonly { readonly path: string; readonly described: boolean }[] {
  const node = z
    .looseObject({ properties: z.record(z.string(), z.unknown()).optional(), description: z.string().optional() })
    .safeParse(schema);
  if (!node.success) return [];
  const { properties = {}, description } = node.data;
  const own = path.length === 0 ? [] : [{ path: path.join('.'), described: (description ?? '').length > 10 }];
  return [...own, ...Object.entries(properties).flatMap(([key, value]) => fieldsOf(value, [...path, key]))];
}

test('there are tasks to hold to the contract', () => {
  expect(tasks.map(({ name }) => name)).toEqual([
    'health',
    'backup',
    'verify-backup',
    'restore-test',
    'prune',
    'clean',
    'cert-audit',
  ]);
});

describe.each(tasks.map((task) => [task.name, task] as const))('%s', (_, task) => {
  test('says what it is in words that fit a line of help', () => {
    expect(task.name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(task.summary.length).toBeLessThanOrEqual(72);
    expect(task.summary).toMatch(/^[A-Z][^\n]*[^.\n]$/);
    expect(TIERS).toContain(task.tier);
    expect(task.deadlineMs).toBeGreaterThan(0);
  });

  test('shows how it is called', () => {
    expect(task.examples.length).toBeGreaterThan(0);
    for (const { command, summary } of task.examples) {
      expect(command).toContain(`maint ${task.name}`);
      expect(summary).not.toBe('');
    }
  });

  test('explains every setting, and its flags stand for settings', () => {
    const fields = fieldsOf(z.toJSONSchema(task.settings, { io: 'input' }));
    expect(fields.filter(({ described }) => !described)).toEqual([]);
    for (const { setting } of task.flags ?? []) expect(fields.map(({ path }) => path)).toContain(setting);
  });

  test('refuses settings that it does not know', () => {
    expect(task.settings.safeParse({ ...SETTINGS[task.name]?.(folder), nonsense: 1 }).success).toBe(false);
  });

  test('in a dry run moves no transaction counter and makes no file', async () => {
    const before = await nextTransaction();
    const untouched = join(folder, `untouched-${task.name}`);
    const report = await runTask(task, { dryRun: true, folder: untouched });
    expect(await nextTransaction()).toEqual(before);
    expect(report.steps.filter(({ verdict }) => verdict === 'done')).toEqual([]);
    expect(() => rmSync(join(untouched))).toThrow(/ENOENT/);
  });

  test('runs well, and a second time too, with the same steps under the same titles', async () => {
    const first = await runTask(task);
    expect(first.steps.filter(({ verdict }) => isProblem(verdict))).toEqual([]);
    const second = await runTask(task);
    expect(second.steps.filter(({ verdict }) => isProblem(verdict))).toEqual([]);
    const titles = second.steps.map(({ title }) => title);
    expect(titles).toEqual(first.steps.map(({ title }) => title));
    expect(new Set(titles).size).toBe(titles.length);
  });

  test('says of each of its checks why it matters, how urgently, and where its runbook lies', async () => {
    if (!CHECKING.includes(task.name)) return;
    const { steps } = await runTask(task, { dryRun: true });
    for (const { title, concern } of steps) {
      expect(concern?.impact, title).toMatch(/^[^\n]{20,120}[^.\n]$/);
      expect(existsSync(join(RUNBOOKS, `${concern?.check}.md`)), `${title}: ${concern?.check}`).toBe(true);
    }
  });

  test('says what to do about everything that is wrong when the server is away', async () => {
    const report = await runTask(task, {
      url: 'postgres://postgres@127.0.0.1:1/app',
      folder: join(folder, 'nothing-here'),
    });
    const problems = report.steps.filter(({ verdict }) => isProblem(verdict));
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.filter(({ remediation, code }) => remediation.length === 0 || code === 'BUG')).toEqual([]);
    expect(problems.filter(({ summary }) => summary.includes('\n') || summary.endsWith('.'))).toEqual([]);
  });

  test('does nothing once it was stopped, and ends at once', async () => {
    const report = await runTask(task, { signal: AbortSignal.abort('SIGTERM') });
    expect(report.verdict).toBe('not-run');
  });
});
