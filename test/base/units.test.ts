import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatDuration, parseDuration, parseSize, plural } from '../../src/base/units.ts';

describe('durations', () => {
  test.each([
    ['30s', 30_000],
    ['26h', 93_600_000],
    ['26 h', 93_600_000],
    ['7 days', 604_800_000],
    ['1.5 hours', 5_400_000],
    ['15 MIN', 900_000],
    ['250ms', 250],
    ['1 week', 604_800_000],
  ])('%s is read as people mean it', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', '7', 'days', '-3 days', '0s', '7 dayss', '1e99 days', '7 days ago', '1 month', 'NaN s', '1,5 h'])(
    '"%s" is refused with an example of what is right',
    (text) => {
      expect(() => parseDuration(text)).toThrow(
        expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('7 days') }),
      );
    },
  );

  test.each([
    [0.4, '0 ms'],
    [850, '850 ms'],
    [999.6, '1.0 s'],
    [41_234, '41.2 s'],
    [59_960, '1 min'],
    [200_000, '3 min 20 s'],
    [3_599_900, '1 h'],
    [7_500_000, '2 h 5 min'],
    [12 * 86_400_000, '12 days'],
  ])('%d ms is written as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('whatever is written is never empty and never says 60 of the smaller unit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (ms) => {
        expect(formatDuration(ms)).toMatch(/^\d/);
        expect(formatDuration(ms)).not.toMatch(/\b60(\.0)? (s|min)\b/);
      }),
    );
  });
});

describe('sizes', () => {
  test('are powers of 1,024, as PostgreSQL counts', () => {
    expect(parseSize('64 MB')).toBe(64 * 1024 * 1024);
    expect(parseSize('1.5GB')).toBe(1.5 * 1024 ** 3);
  });

  test.each(['64', 'MB', '64 MBs', '0 kB', '-1 GB', '9999999999 TB'])('"%s" is refused', (text) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1536, '1.5 kB'],
    [1023.9 * 1024, '1.0 MB'],
    [412 * 1024 * 1024, '412 MB'],
  ])('%d bytes are written as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

test('counts have separators and nouns agree', () => {
  for (const count of [
    0,
    7,
    999,
    1_000,
    1_234_567,
    -12_345,
    2 ** 53 - 1,
    1_234.56789,
    -0.5,
    12_345_678_901_234_567_890n,
  ])
    expect(formatCount(count)).toBe(count.toLocaleString('en-US'));
  expect([plural(1, 'table'), plural(2, 'table'), plural(0, 'entry', 'entries')]).toEqual([
    '1 table',
    '2 tables',
    '0 entries',
  ]);
});
