import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { diskUsage, type DiskUsage } from '../adapters/disk.ts';
import { durationSetting } from '../base/settings.ts';
import { DAY_MS, formatBytes, formatDuration, formatShare } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { SampleHistory } from '../engine/sample.ts';
import { worst } from '../engine/verdict.ts';
import { defaultDisks } from './default-disks.ts';
import { FORECAST_WINDOW_MS, timeUntil } from './forecast.ts';
import { gradeShare, shareSetting, WARNS_FIRST, warnsFirst } from './thresholds.ts';
import { defineCheck } from './check.ts';

/** Paths whose filesystems are watched. */
const diskPathsSetting = z.array(
  z.string().refine(isAbsolute, 'write an absolute path, for cron starts in a directory of its own choice'),
);

export const diskSettings = z
  .strictObject({
    warnAt: shareSetting(0.8).describe('Warn from this used share of the space or the inodes on'),
    failAt: shareSetting(0.9).describe('Fail from this used share on'),
    warnFullIn: durationSetting.prefault('14 days').describe('Warn when the disk will be full sooner than this'),
    failFullIn: durationSetting.prefault('3 days').describe('Fail when the disk will be full sooner than this'),
  })
  .refine(warnsFirst, WARNS_FIRST)
  .refine(({ warnFullIn, failFullIn }) => warnFullIn > failFullIn, {
    path: ['warnFullIn'],
    error: 'warnFullIn must be longer than failFullIn',
  });
type DiskSettings = z.infer<typeof diskSettings>;

export const diskCheck = defineCheck({
  id: 'disk',
  dimension: 'resources',
  alertClass: 'page',
  impact: 'on a full disk the database stops',
  measures: 'share of the space and of the inodes used; time until it is full',
  warns: '`disk.warnAt` used, or full in less than `disk.warnFullIn`',
  fails: '`disk.failAt` used, or full in less than `disk.failFullIn`',
  settings: {
    disks: diskPathsSetting
      .optional()
      .describe('Paths whose disks to watch; the root filesystem and the disks of a local database where left out'),
    disk: diskSettings.prefault({}).describe('How full these disks may be'),
  },
  async questions({ disks, disk }, { database }) {
    const paths = new Set(disks ?? (await defaultDisks(database)));
    return [...paths].map((path) => ({ title: `disk ${path}`, look: (around) => checkDisk(path, disk, around) }));
  },
});

/** What the filesystem says today, and when its trend reaches the end. */
interface DiskReading {
  readonly path: string;
  readonly usage: DiskUsage;
  /** Undefined where there are too few samples, or no growth. */
  readonly fullInMs: number | undefined;
}

interface Surroundings {
  readonly history: SampleHistory;
  now(): Date;
}

const USED = 'disk.used';

/**
 * Looks how full the filesystem of a path is, and when it will be full at the speed of the last four weeks.
 * @throws MaintError FILE_UNUSABLE when the path cannot be looked at: that says nothing about the disk
 */
export async function checkDisk(path: string, settings: DiskSettings, around: Surroundings): Promise<Outcome> {
  const usage = await diskUsage(path);
  const at = around.now();
  const earlier = around.history.samples(USED, path, new Date(at.getTime() - FORECAST_WINDOW_MS));
  const fullInMs = timeUntil(1, [...earlier, { at, value: usage.usedShare }]);
  return judgeDisk({ path, usage, fullInMs }, settings);
}

/** A disk is as bad as the worst of its space, its inodes and its trend. */
export function judgeDisk({ path, usage, fullInMs }: DiskReading, settings: DiskSettings): Outcome {
  const { usedShare, freeBytes, inodesUsedShare } = usage;
  const inodes = gradeShare(inodesUsedShare ?? 0, settings);
  const verdicts = [gradeShare(usedShare, settings), inodes, gradeTrend(fullInMs, settings)];
  const status = verdicts.find((verdict) => verdict === worst(verdicts)) ?? 'done';
  const summary = [
    `${formatShare(usedShare)} full`,
    `${formatBytes(freeBytes)} free`,
    ...(inodes === 'done' ? [] : [`${formatShare(inodesUsedShare ?? 0)} of the inodes used`]),
    ...(fullInMs === undefined || fullInMs > WORTH_SAYING_MS ? [] : [`full in about ${formatDuration(fullInMs)}`]),
  ].join(', ');
  return {
    status,
    summary,
    ...(status !== 'done' && { remediation: remediation(path, inodes !== 'done') }),
    facts: { path, usedShare, freeBytes, inodesUsedShare: inodesUsedShare ?? null, fullInMs: fullInMs ?? null },
    samples: [
      { name: USED, subject: path, value: usedShare, unit: 'ratio' },
      { name: 'disk.free', subject: path, value: freeBytes, unit: 'bytes' },
    ],
  };
}

/** A date farther away than this is arithmetic, not knowledge. */
const WORTH_SAYING_MS = 365 * DAY_MS;

function gradeTrend(fullInMs: number | undefined, { warnFullIn, failFullIn }: DiskSettings): 'done' | 'warn' | 'fail' {
  if (fullInMs === undefined || fullInMs >= warnFullIn) return 'done';
  return fullInMs < failFullIn ? 'fail' : 'warn';
}

function remediation(path: string, outOfInodes: boolean): readonly string[] {
  const place = `'${path.replaceAll(`'`, String.raw`'\''`)}'`;
  return [
    outOfInodes
      ? `df -i ${place}; du --inodes -x ${place} | sort -n | tail -n 20`
      : `df -h ${place}; du -xh ${place} | sort -h | tail -n 20`,
    'Grow the volume, or move or remove what is no longer needed.',
    'Remove nothing in a PostgreSQL data directory by hand: a large pg_wal is held by a replication slot or a failing archive_command.',
  ];
}
