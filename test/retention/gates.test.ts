import { describe, expect, test } from 'vitest';
import { closedGates, type GateName, type Readings } from '../../src/retention/gates.ts';

const MB = 2 ** 20;
const LIMITS = { maxReplicaLag: 64 * MB, maxSlotLag: 1_000 * MB, maxActive: 50, minFreeSpace: 1_000 * MB };
const OPEN: Readings = {
  waiting: 0,
  lagBytes: 0,
  replicas: 1,
  slotBytes: 0,
  isSlotAtRisk: false,
  active: 0,
  isSavingIds: false,
  freeBytes: undefined,
  walBytes: 0,
};

/** What a row of readings does to the gates, each seeing what the one before closed. */
function after(readings: readonly Partial<Readings>[], batchWalBytes = 0): readonly (readonly GateName[])[] {
  let closed: ReadonlySet<GateName> = new Set();
  return readings.map((reading) => {
    closed = closedGates({ ...OPEN, ...reading }, { closed, batchWalBytes }, LIMITS);
    return [...closed];
  });
}

describe('a gate', () => {
  test('for replicas closes beyond the limit and opens at half of it', () => {
    const lags = [64, 65, 40, 33, 32, 40, 64].map((megabytes) => ({ lagBytes: megabytes * MB }));
    const lag = ['replica lag'];
    expect(after(lags)).toEqual([[], lag, lag, lag, [], [], []]);
  });

  test('for replicas closes before a batch as large as the last, or twice that, would be too much', () => {
    const lags = [31, 32, 33, 40, 41, 33, 32].map((megabytes) => ({ lagBytes: megabytes * MB }));
    const lag = ['replica lag'];
    expect(after(lags, 12 * MB)).toEqual([[], [], [], [], lag, lag, []]);
    expect(after(lags, 900 * MB)).toEqual([[], [], lag, lag, lag, lag, []]);
  });

  test('for free space closes below the limit and opens a quarter above it', () => {
    const free = [1_000, 999, 1_100, 1_249, 1_250, 1_000].map((megabytes) => ({ freeBytes: megabytes * MB }));
    const space = ['free space'];
    expect(after(free)).toEqual([[], space, space, space, [], []]);
  });

  test('for slots closes beyond the limit and opens at half of it, or while a slot is at risk', () => {
    const held = [1_000, 1_001, 501, 500, 501].map((megabytes) => ({ slotBytes: megabytes * MB }));
    const slots = ['replication slots'];
    expect(after(held)).toEqual([[], slots, slots, [], []]);
    expect(after([{ isSlotAtRisk: true }, {}])).toEqual([slots, []]);
  });

  test('for load closes beyond the limit and opens at half of it', () => {
    const load = ['load'];
    expect(after([50, 51, 26, 25, 50].map((active) => ({ active })))).toEqual([[], load, load, [], []]);
  });

  test('closes while the server saves transaction ids', () => {
    expect(after([{ isSavingIds: true }, {}])).toEqual([['wraparound vacuum'], []]);
  });

  test('is open where nobody can see the disk', () => {
    expect(after([{ freeBytes: undefined }])).toEqual([[]]);
  });

  test('closes while sessions wait for the table', () => {
    expect(after([{ waiting: 1 }, { waiting: 0 }])).toEqual([['sessions waiting'], []]);
  });
});
