import { expect, test } from 'vitest';
import { isWorthUnpacking } from '../../src/backups/restore-unpack.ts';

const GB = 2 ** 30;
const FITS = {
  jobs: 2,
  pgRestoreMajor: 13,
  dumpBytes: GB,
  databaseBytes: 2 * GB,
  freeBytes: 10 * GB,
  memoryBytes: 2 * GB,
};

test.for([
  ['it fits', {}, true],
  ['one table at a time', { jobs: 1 }, false],
  ['a program that cannot find its way', { pgRestoreMajor: 12 }, false],
  ['a size that nobody counted', { dumpBytes: undefined }, false],
  ['a database of unknown size', { databaseBytes: undefined }, false],
  ['a small dump', { dumpBytes: 31 * 2 ** 20 }, false],
  ['more than half of the memory', { memoryBytes: 2 * GB - 2 }, false],
  ['just room for dump, database and its sorting', { freeBytes: 3.4 * GB }, true],
  ['no room for the sorting', { freeBytes: 3.4 * GB - 1 }, false],
] as const)('%s', ([, change, isWorth]) => {
  expect(isWorthUnpacking({ ...FITS, ...change })).toBe(isWorth);
});
