import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anomalySettings, findAnomalies, usualBackups } from '../../src/backups/anomaly.ts';
import type { Anomaly, Manifest, ManifestTable } from '../../src/backups/manifest.ts';

const DEFAULTS = anomalySettings.parse({});
const MEBIBYTE = 2 ** 20;

interface Facts {
  readonly id?: string;
  /** Days since some beginning. */
  readonly day?: number;
  readonly tables?: Readonly<Record<string, number | ManifestTable>>;
  readonly bytes?: number;
  readonly anomalies?: readonly Anomaly[];
}

function manifest({ id = 'a', day = 0, tables = {}, bytes = MEBIBYTE * 10, anomalies = [] }: Facts): Manifest {
  return {
    format: 'maint-backup/1',
    id,
    label: 'app',
    tools: { pgDump: '', pgDumpMajor: 15, zstd: 'zstd' },
    server: { version: '15', major: 15, encoding: 'UTF8', isStandby: false },
    database: 'app',
    snapshot: { id: '', takenAt: new Date(Date.UTC(2026, 0, 1 + day)).toISOString() },
    artifacts: [{ path: 'data.dump.zst', bytes, sha256: '0'.repeat(64), codec: [] }],
    tables: Object.fromEntries(
      Object.entries(tables).map(([name, rows]) => [name, typeof rows === 'number' ? { rows } : rows]),
    ),
    excluded: [],
    warnings: [],
    anomalies: [...anomalies],
    durations: {},
    verify: { level: 'decode', at: '2026-01-01T00:00:00Z', result: 'pass' },
  };
}

/** Backups of one table, a day apart, oldest first. */
function days(rows: readonly number[], name = 'public.users'): readonly Manifest[] {
  return rows.map((count, day) => manifest({ id: `day ${day}`, day, tables: { [name]: count } }));
}

function judge(tables: NonNullable<Facts['tables']>, usual: readonly Manifest[], settings = {}): readonly Anomaly[] {
  return findAnomalies(manifest({ day: 100, tables }), usual, anomalySettings.parse(settings));
}

const FLAG: Anomaly = { detail: 'anomaly.rows', table: 'public.users', message: 'gone', isSuspicious: true };

describe('a table', () => {
  const week = days([1_000, 1_000, 1_010, 1_020, 900, 1_000, 5_000]);

  test.for([
    [1_000, []],
    [801, []],
    [800, ['public.users has 800 rows, 1,000 were usual (-20 %)']],
    [501, ['public.users has 501 rows, 1,000 were usual (-49 %)']],
    [500, ['public.users has 500 rows, 1,000 were usual (-50 %)']],
    [0, ['public.users has 0 rows, 1,000 were usual (-100 %)']],
  ] as const)('with %i rows where 1,000 were usual', ([rows, expected]) => {
    const found = judge({ 'public.users': rows }, week);
    expect(found.map(({ message }) => message)).toEqual(expected);
    expect(found.some(({ isSuspicious }) => isSuspicious)).toBe(rows <= 500);
  });

  test('that is gone is suspicious, and one that had been gone before is not', () => {
    expect(judge({}, week)).toMatchObject([
      { table: 'public.users', message: 'public.users is gone, it had 1,000 rows', isSuspicious: true },
    ]);
    expect(judge({}, [...week, manifest({ day: 50 })])).toEqual([]);
  });

  test('below the floor is not looked at, nor one that may shrink', () => {
    expect(judge({ 'public.users': 0 }, days([99]))).toEqual([]);
    expect(judge({ 'public.users': 0 }, days([100]))).toHaveLength(1);
    expect(judge({ 'public.users': 0 }, days([99]), { minRows: 10 })).toHaveLength(1);
    expect(judge({ 'public.users': 0 }, week, { ignore: ['public.users'] })).toEqual([]);
    expect(judge({ 'public.users': 0 }, week, { ignore: ['public.*'] })).toEqual([]);
    expect(judge({ 'public.users': 0 }, week, { ignore: ['public.user', 'publicxusers', '*.orders'] })).toHaveLength(1);
  });

  test('of few rows may lose by chance what would be a warning for a large one', () => {
    expect(judge({ 'public.users': 75 }, days([100]))).toEqual([]);
    expect(judge({ 'public.users': 750 }, days([1_000]))).toMatchObject([{ isSuspicious: false }]);
  });

  test('is told before others when it is the suspicious one', () => {
    const usual = [manifest({ tables: { a: 1_000, b: 1_000 } })];
    expect(judge({ a: 700, b: 0 }, usual).map(({ table }) => table)).toEqual(['b', 'a']);
  });
});

describe('partitions', () => {
  const leaf = (rows: number): ManifestTable => ({ rows, partitionOf: 'public.events' });

  test('come and go without a word as long as the sum stays', () => {
    const usual = [manifest({ tables: { events_10: leaf(900), events_11: leaf(1_000) } })];
    expect(judge({ events_11: leaf(1_000), events_12: leaf(900) }, usual)).toEqual([]);
    expect(judge({ events_12: leaf(100) }, usual)).toMatchObject([{ table: 'public.events', isSuspicious: true }]);
    expect(judge({}, usual)).toMatchObject([{ message: 'public.events is gone, it had 1,900 rows' }]);
  });

  test('are known as such from whichever backup says so', () => {
    const usual = [manifest({ tables: { events_10: 900, events_11: 1_000 } })];
    expect(judge({ events_10: leaf(0), events_11: leaf(1_000), events_12: leaf(900) }, usual)).toEqual([]);
  });

  test('made by hand are known by names that differ in digits only', () => {
    const usual = [
      manifest({ tables: { 'public.log_2026_10': 900, 'public.log_2026_11': 1_000, 'public.users': 500 } }),
    ];
    const rest = { 'public.users': 500 };
    expect(judge({ 'public.log_2026_11': 1_000, 'public.log_2026_12': 800, ...rest }, usual)).toEqual([]);
    expect(judge({ 'public.log_2026_11': 1_000, ...rest }, usual)).toMatchObject([{ isSuspicious: false }]);
    expect(judge({ 'public.log_2026_12': 10, ...rest }, usual)).toMatchObject([
      { table: 'public.log_*_*', isSuspicious: true },
    ]);
    // One that is still there is a table like any other.
    expect(judge({ 'public.log_2026_10': 900, 'public.log_2026_11': 0, ...rest }, usual)).toMatchObject([
      { table: 'public.log_2026_11' },
    ]);
  });
});

test('a dump that takes half the bytes is suspicious though each table has its rows', () => {
  const sizes = (bytes: number): readonly Anomaly[] =>
    findAnomalies(manifest({ bytes }), [manifest({ bytes: 10 * MEBIBYTE })], DEFAULTS);
  expect(sizes(9 * MEBIBYTE)).toEqual([]);
  expect(sizes(7 * MEBIBYTE)).toMatchObject([{ detail: 'anomaly.bytes', table: null, isSuspicious: false }]);
  expect(sizes(5 * MEBIBYTE)).toMatchObject([
    { message: 'the dump has 5.0 MB, 10 MB were usual (-50 %)', isSuspicious: true },
  ]);
  expect(findAnomalies(manifest({ bytes: 1 }), [manifest({ bytes: MEBIBYTE - 1 })], DEFAULTS)).toEqual([]);
});

test('a warning that would come after the alarm is refused', () => {
  expect(anomalySettings.safeParse({ warnAt: 0.6 }).success).toBe(false);
});

describe('what is usual', () => {
  test('is said by the newest seven that were not suspicious, in whatever order they come', () => {
    const all = days([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const flagged = manifest({ id: 'bad', day: 20, anomalies: [FLAG] });
    const warned = manifest({ id: 'warned', day: 21, anomalies: [{ ...FLAG, isSuspicious: false }] });
    expect(usualBackups([flagged, ...all, warned], new Set()).map(({ id }) => id)).toEqual([
      'warned',
      ...[8, 7, 6, 5, 4, 3].map((day) => `day ${day}`),
    ]);
  });

  test('begins anew with a suspicious backup that was acknowledged', () => {
    const all = [
      ...days([1_000, 1_000, 1_000]),
      manifest({ id: 'ok', day: 5, tables: { 'public.users': 400 }, anomalies: [FLAG] }),
    ];
    expect(judge({ 'public.users': 400 }, usualBackups(all, new Set()))).toMatchObject([{ isSuspicious: true }]);
    expect(usualBackups(all, new Set(['ok'])).map(({ id }) => id)).toEqual(['ok']);
    expect(judge({ 'public.users': 400 }, usualBackups(all, new Set(['ok'])))).toEqual([]);
  });
});

describe('whatever the numbers', () => {
  const names = fc.constantFrom('public.a', 'public.b', 'app.c', 'log_1', 'log_2', '"x y".d');
  const tables = fc.dictionary(names, fc.nat({ max: 100_000 }));
  const history = fc
    .array(tables, { minLength: 1, maxLength: 9 })
    .map((all) => all.map((each, day) => manifest({ id: `day ${day}`, day, tables: each })));

  test('the first backup, new tables and more rows are no anomaly', () => {
    fc.assert(
      fc.property(tables, tables, fc.nat(1_000), (before, extra, more) => {
        expect(judge(before, [])).toEqual([]);
        const grown = Object.fromEntries(Object.entries(before).map(([name, rows]) => [name, rows + more]));
        expect(
          judge({ ...Object.fromEntries(Object.keys(extra).map((name) => [`new.${name}`, 0])), ...grown }, [
            manifest({ tables: before }),
          ]),
        ).toEqual([]);
      }),
    );
  });

  test('the order of the earlier backups does not matter', () => {
    fc.assert(
      fc.property(tables, history, (now, usual) => {
        expect(judge(now, usual.toReversed())).toEqual(judge(now, usual));
      }),
    );
  });

  test('an only table is suspicious exactly when it holds at most half of the median', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.array(fc.nat(300), { minLength: 1, maxLength: 7 }), (rows, before) => {
        const sorted = before.toSorted((a, b) => a - b);
        const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
        const usual = (low + high) / 2;
        const found = judge({ 'public.users': rows }, days(before));
        expect(found.some(({ isSuspicious }) => isSuspicious)).toBe(usual >= 100 && rows * 2 <= usual);
      }),
    );
  });

  test('losing more rows is never judged milder', () => {
    const severity = (found: readonly Anomaly[]): number =>
      found.length + (found.some(({ isSuspicious }) => isSuspicious) ? 1 : 0);
    fc.assert(
      fc.property(
        fc.nat(5_000),
        fc.nat(5_000),
        fc.array(fc.nat(5_000), { minLength: 1, maxLength: 7 }),
        (a, b, before) => {
          const [more, fewer] = [Math.max(a, b), Math.min(a, b)];
          const at = (rows: number): number => severity(judge({ 'public.users': rows }, days(before)));
          expect(at(fewer)).toBeGreaterThanOrEqual(at(more));
        },
      ),
    );
  });

  test('how the rows of a partitioned table are spread over its partitions changes nothing', () => {
    const spread = (rows: number, cuts: readonly number[]): Record<string, ManifestTable> => {
      const bounds = [0, ...cuts.map((cut) => cut % (rows + 1)).toSorted((a, b) => a - b), rows];
      return Object.fromEntries(
        bounds.slice(1).map((end, index) => [`p${index}`, { rows: end - (bounds[index] ?? 0), partitionOf: 'root' }]),
      );
    };
    const cuts = fc.array(fc.nat(10_000), { maxLength: 5 });
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(10_000), cuts, cuts, (now, before, left, right) => {
        const [whole] = judge({ root: now }, [manifest({ tables: { root: before } })]);
        const [parts] = judge(spread(now, left), [manifest({ tables: spread(before, right) })]);
        expect(parts).toEqual(whole);
      }),
    );
  });

  test('what is ignored is never named, and nothing is named twice', () => {
    fc.assert(
      fc.property(tables, history, (now, usual) => {
        const found = judge(now, usual, { ignore: ['public.*', 'log_*'], minRows: 1 }).map(({ table }) => table);
        expect(
          found.filter((table) => table?.startsWith('public.') === true || table?.startsWith('log_') === true),
        ).toEqual([]);
        expect(new Set(found).size).toBe(found.length);
      }),
    );
  });
});
