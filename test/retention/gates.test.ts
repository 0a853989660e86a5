import { describe, expect, test } from 'vitest';
import { closedGates, type GateName, type Readings } from '../../src/retention/gates.ts';

const MB = 2 ** 20;
const LIMITS = { maxReplicaLag: 64 * MB, minFreeSpace: 1_000 * MB };
const OPEN: Readings = { waiting: 0, lagBytes: 0, freeBytes: undefined };

/** What a row of readings does to the gates, each seeing what the one before closed. */
function after(readings: readonly Partial<Readings>[]): readonly (readonly GateName[])[] {
  let closed: ReadonlySet<GateName> = new Set();
  return readings.map((reading) => {
    closed = closedGates({ ...OPEN, ...reading }, closed, LIMITS);
    return [...closed];
  });
}

describe('a gate', () => {
  test('for replicas closes beyond the limit and opens at half of it', () => {
    const lags = [64, 65, 40, 33, 32, 40, 64].map((megabytes) => ({ lagBytes: megabytes * MB }));
    const lag = ['replica lag'];
    expect(after(lags)).toEqual([[], lag, lag, lag, [], [], []]);
  });

  test('for free space closes below the limit and opens a quarter above it', () => {
    const free = [1_000, 999, 1_100, 1_249, 1_250, 1_000].map((megabytes) => ({ freeBytes: megabytes * MB }));
    const space = ['free space'];
    expect(after(free)).toEqual([[], space, space, space, [], []]);
  });

  test('is open where nobody can see the disk', () => {
    expect(after([{ freeBytes: undefined }])).toEqual([[]]);
  });

  test('closes while sessions wait for the table', () => {
    expect(after([{ waiting: 1 }, { waiting: 0 }])).toEqual([['sessions waiting'], []]);
  });
});
