import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { diskUsage } from '../../src/adapters/disk.ts';
import { DAY_MS } from '../../src/base/units.ts';
import { checkDisk, diskSettings, judgeDisk } from '../../src/health/check-disk.ts';
import { timeUntil } from '../../src/health/forecast.ts';

const SETTINGS = diskSettings.parse({});
const GB = 2 ** 30;

function judged(usedShare: number, inodesUsedShare: number | undefined, fullInMs: number | undefined) {
  const usage = { usedShare, freeBytes: 12 * GB, inodesUsedShare };
  return judgeDisk({ path: '/srv', usage, fullInMs }, SETTINGS);
}

describe('a disk', () => {
  test('is fine below its thresholds', () => {
    expect(judged(0.79, 0.79, undefined)).toMatchObject({ status: 'done', summary: '79 % full, 12 GB free' });
  });

  test('warns from 80 % and fails from 90 % on', () => {
    expect(judged(0.8, undefined, undefined).status).toBe('warn');
    expect(judged(0.9, undefined, undefined).status).toBe('fail');
  });

  test('is as bad as its inodes', () => {
    expect(judged(0.1, 0.8, undefined)).toMatchObject({
      status: 'warn',
      summary: '10 % full, 12 GB free, 80 % of the inodes used',
    });
    expect(judged(0.1, 0.95, undefined)).toMatchObject({
      status: 'fail',
      remediation: expect.arrayContaining([expect.stringContaining('df -i')]),
    });
  });

  test('warns when it will be full within two weeks and fails within three days', () => {
    expect(judged(0.5, undefined, 15 * DAY_MS)).toMatchObject({
      status: 'done',
      summary: '50 % full, 12 GB free, full in about 15 days',
    });
    expect(judged(0.5, undefined, 12 * DAY_MS).status).toBe('warn');
    expect(judged(0.5, undefined, 2 * DAY_MS).status).toBe('fail');
  });

  test('says nothing of a date years away', () => {
    expect(judged(0.5, undefined, 800 * DAY_MS).summary).toBe('50 % full, 12 GB free');
  });

  test('that grew by two percent each day from 70 % on warns with the days left', () => {
    const start = Date.UTC(2026, 0, 1);
    const samples = Array.from({ length: 10 }, (_, day) => ({
      at: new Date(start + day * DAY_MS),
      value: 0.7 * 1.02 ** day,
    }));
    const usage = { usedShare: samples.at(-1)?.value ?? 0, freeBytes: 12 * GB, inodesUsedShare: 0.1 };
    expect(judgeDisk({ path: '/srv', usage, fullInMs: timeUntil(1, samples) }, SETTINGS)).toMatchObject({
      status: 'warn',
      summary: '84 % full, 12 GB free, full in about 11 days',
    });
  });

  test('names a path with spaces and quotes so that a shell takes it whole', () => {
    const usage = { usedShare: 0.9, freeBytes: 1, inodesUsedShare: undefined };
    const { remediation } = judgeDisk({ path: `/srv/it's here`, usage, fullInMs: undefined }, SETTINGS);
    expect(remediation?.[0]).toContain(String.raw`'/srv/it'\''s here'`);
  });
});

describe('a real disk', () => {
  const now = new Date(Date.UTC(2026, 0, 28));

  test('is read, and leaves its numbers for the trend', async () => {
    const { samples } = await checkDisk(tmpdir(), SETTINGS, { history: { samples: () => [] }, now: () => now });
    expect(samples).toEqual([
      {
        name: 'disk.used',
        subject: tmpdir(),
        value: expect.closeTo((await diskUsage(tmpdir())).usedShare, 1),
        unit: 'ratio',
      },
      { name: 'disk.free', subject: tmpdir(), value: expect.any(Number), unit: 'bytes' },
    ]);
  });

  test('is forecast from its own earlier samples of the last four weeks', async () => {
    const { usedShare } = await diskUsage(tmpdir());
    const perDay = (1 - usedShare) / 7;
    const asked: unknown[] = [];
    const history = {
      samples: (...question: readonly [string, string, Date]) => {
        asked.push(question);
        return [9, 8, 7, 6, 5, 4, 3, 2, 1].map((ago) => ({
          at: new Date(now.getTime() - ago * DAY_MS),
          value: usedShare - ago * perDay,
        }));
      },
    };
    const outcome = await checkDisk(tmpdir(), SETTINGS, { history, now: () => now });
    expect(outcome.summary).toMatch(/full in about [67] days$/);
    expect(outcome.status).not.toBe('done');
    expect(asked).toEqual([['disk.used', tmpdir(), new Date(Date.UTC(2025, 11, 31))]]);
  });
});

test.each([{ warnAt: 0.9, failAt: 0.8 }, { warnAt: 80 }, { warnFullIn: '2 days', failFullIn: '3 days' }])(
  'thresholds that make no sense are refused: %o',
  (input) => {
    expect(diskSettings.safeParse(input).success).toBe(false);
  },
);

test('ten days of growth by two in a hundred each, from 70 % on, end in about ten days; noise ends never', () => {
  const now = new Date('2026-11-21T03:00:00Z');
  const daily = (value: (day: number) => number) =>
    Array.from({ length: 10 }, (_, day) => ({ at: new Date(now.getTime() - (9 - day) * DAY_MS), value: value(day) }));
  const fullInMs =
    timeUntil(
      1,
      daily((day) => 0.7 * 1.02 ** day),
    ) ?? 0;
  expect(fullInMs / DAY_MS).toBeGreaterThan(9);
  expect(fullInMs / DAY_MS).toBeLessThan(11);
  expect(judged(0.7, undefined, fullInMs)).toMatchObject({ status: 'warn' });
  expect(
    timeUntil(
      1,
      daily((day) => 0.7 + ((day * 7) % 5) / 100),
    ),
  ).toBeUndefined();
});
