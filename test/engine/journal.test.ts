import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { openJournal } from '../../src/engine/sqlite-journal.ts';
import type { RunStart } from '../../src/engine/journal.ts';
import type { RunReport, StepReport } from '../../src/engine/report.ts';
import { test } from '../support/state.ts';

const NOW = new Date('2026-11-21T02:00:00Z');

const start = (run: string, more: Partial<RunStart> = {}): RunStart => ({
  run,
  command: 'daily',
  tier: 'daily',
  slot: null,
  host: 'db1',
  pid: 1,
  bootId: 'boot',
  startedAt: NOW.toISOString(),
  ...more,
});

const step = (value: number): StepReport => ({
  title: 'disk /',
  verdict: 'done',
  summary: 'fine',
  facts: {},
  remediation: [],
  code: null,
  detail: null,
  concern: null,
  intent: [],
  samples: [{ name: 'disk.used', subject: '/', value, unit: 'ratio' }],
  startedAt: NOW.toISOString(),
  durationMs: 5,
});

const report = (run: string, more: Partial<RunReport> = {}): RunReport => ({
  format: 1,
  maint: '0.1.0',
  run,
  command: 'daily',
  project: 'app',
  host: 'db1',
  database: null,
  config: null,
  assumptions: [],
  notices: [],
  slot: null,
  fence: null,
  dryRun: false,
  startedAt: NOW.toISOString(),
  finishedAt: NOW.toISOString(),
  durationMs: 10,
  verdict: 'done',
  stoppedBy: null,
  tasks: [{ task: 'health', verdict: 'done', durationMs: 5, planned: true, steps: [step(0.5)] }],
  alerts: null,
  ...more,
});

describe('the journal', () => {
  test('remembers runs, tasks, samples and documents over a restart', ({ folder }) => {
    {
      using journal = openJournal(folder, NOW);
      journal.begin(start('a'));
      journal.finish(report('a'));
      journal.begin(start('b', { startedAt: '2026-11-21T03:00:00.000Z' }));
      journal.shelf('alert').put('x', '{"n":1}');
      journal.shelf('alert').put('y', '{"n":2}');
      journal.shelf('alert').put('x', '{"n":3}');
      const at = NOW.toISOString();
      journal.chronicle('alert').add([{ id: 'told', at, body: '1' }]);
      journal.chronicle('alert').add([
        { id: 'told', at, body: 'never written over' },
        { id: 'old', at: '2026-01-01T00:00:00.000Z', body: '0' },
        { id: 'ancient', at: '2020-01-01T00:00:00.000Z', body: 'forgotten' },
      ]);
    }
    // What is too old is taken out once a day.
    using journal = openJournal(folder, new Date(NOW.getTime() + 86_400_000));
    expect(journal.notices).toEqual([]);
    expect(journal.runs(10).map(({ run, verdict }) => [run, verdict])).toEqual([
      ['b', null],
      ['a', 'done'],
    ]);
    expect(journal.runsOfTier('weekly', 10)).toEqual([]);
    expect(journal.lastOfEachTask()).toMatchObject([{ task: 'health', verdict: 'done', run: 'a' }]);
    expect(journal.samples('disk.used', '/', new Date(0))).toEqual([{ at: NOW, value: 0.5 }]);
    expect(journal.samples('disk.used', '/', new Date(NOW.getTime() + 1))).toEqual([]);
    expect(journal.shelf('alert').all()).toEqual(['{"n":3}', '{"n":2}']);
    journal.shelf('alert').remove('x');
    expect(journal.shelf('alert').all()).toEqual(['{"n":2}']);
    expect(journal.chronicle('alert').since(new Date(0))).toEqual(['0', '1']);
    expect(journal.chronicle('alert').since(NOW)).toEqual(['1']);
    expect(journal.chronicle('other').since(new Date(0))).toEqual([]);
    expect(journal.reportsSince(new Date(0), 5).map((text) => JSON.parse(text))).toMatchObject([{ run: 'a' }]);
    expect(JSON.parse(journal.report('a') ?? '')).toMatchObject({ run: 'a' });
  });

  test('is readable for its owner alone', ({ folder }) => {
    using journal = openJournal(folder, NOW);
    journal.begin(start('a'));
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077, name).toBe(0);
  });

  test('gives a slot to one run, again while it is unfinished, and never after', ({ folder }) => {
    using journal = openJournal(folder, NOW);
    expect(journal.claimSlot('daily', '2026-11-21T03:17:00.000Z', 'a')).toBe(true);
    expect(journal.claimSlot('daily', '2026-11-21T03:17:00.000Z', 'b')).toBe(true);
    // One that was taken over must not end what its successor is still doing.
    journal.finishSlot('daily', 'a', NOW.toISOString());
    expect(journal.claimedSlot('daily')).toMatchObject({ isFinished: false });
    journal.finishSlot('daily', 'b', NOW.toISOString());
    expect(journal.claimSlot('daily', '2026-11-21T03:17:00.000Z', 'c')).toBe(false);
    expect(journal.claimSlot('daily', '2026-11-20T03:17:00.000Z', 'd')).toBe(false);
    expect(journal.claimSlot('daily', '2026-11-22T03:17:00.000Z', 'e')).toBe(true);
    expect(journal.claimSlot('weekly', '2026-11-21T03:17:00.000Z', 'f')).toBe(true);
  });

  test('moves a damaged file aside, says so and goes on', ({ folder }) => {
    writeFileSync(join(folder, 'journal.sqlite'), 'this is no database, whatever its name says'.repeat(100));
    using journal = openJournal(folder, NOW);
    expect(journal.notices.join()).toContain('was moved to');
    expect(journal.isDurable).toBe(true);
    journal.begin(start('a'));
    expect(journal.runs(1)).toHaveLength(1);
    expect(readdirSync(folder).some((name) => name.includes('.broken-20261121T020000Z'))).toBe(true);
  });

  test('goes on in memory when its file is taken away under it', ({ folder }) => {
    using journal = openJournal(folder, NOW);
    journal.begin(start('a'));
    {
      using raw = openRaw(join(folder, 'journal.sqlite'));
      raw.exec('PRAGMA foreign_keys = OFF; DROP TABLE task; DROP TABLE run');
    }
    journal.finish(report('a'));
    expect(journal.notices.join()).toContain('cannot be used');
    expect(journal.runs(1)).toMatchObject([{ run: 'a', verdict: 'done' }]);
  });

  test('goes on in memory when the state directory cannot be made', ({ folder }) => {
    writeFileSync(join(folder, 'file'), '');
    using journal = openJournal(join(folder, 'file', 'state'), NOW);
    expect(journal.isDurable).toBe(false);
    expect(journal.notices.join()).toContain('this run is not remembered');
    journal.begin(start('a'));
    journal.finish(report('a'));
    expect(journal.runs(1)).toMatchObject([{ run: 'a', verdict: 'done' }]);
  });

  test('refuses a file that a newer maint has written, and leaves it alone', ({ folder }) => {
    {
      using journal = openJournal(folder, NOW);
      journal.begin(start('a'));
    }
    chmodSync(join(folder, 'journal.sqlite'), 0o600);
    const before = statSync(join(folder, 'journal.sqlite')).ino;
    using raw = openRaw(join(folder, 'journal.sqlite'));
    raw.exec('PRAGMA user_version = 99');
    using journal = openJournal(folder, NOW);
    expect(journal.notices.join()).toContain('newer maint');
    expect(journal.isDurable).toBe(false);
    expect(statSync(join(folder, 'journal.sqlite')).ino).toBe(before);
  });

  test('forgets what is older than its retention', ({ folder }) => {
    {
      using journal = openJournal(folder, NOW);
      journal.begin(start('a'));
      journal.finish(report('a'));
    }
    using later = openJournal(folder, new Date('2028-01-15T00:00:00Z'));
    expect(later.runs(10)).toEqual([]);
    expect(later.samples('disk.used', '/', new Date(0))).toEqual([]);
  });
});

function openRaw(path: string): DatabaseSync {
  return new DatabaseSync(path);
}
