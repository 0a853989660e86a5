import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as plainTest } from 'vitest';
import { DAY_MS } from '../../src/base/units.ts';
import { usualOn } from '../../src/health/check-data-counts.ts';
import { health } from '../../src/tasks/health.ts';
import { test } from '../support/database.ts';
import { runHealth } from '../support/health-context.ts';
import { series } from '../support/looking.ts';

test('counts fail outside of their bounds and warn far from what the weekday usually brings', async ({ database }) => {
  await database.query('CREATE TABLE orders AS SELECT g AS id FROM generate_series(1, 40) g');
  const now = new Date();
  const history = { samples: () => series([100, 100, 110, 90], 7 * DAY_MS, new Date(now.getTime())) };
  const count = (more: object) => ({ sql: 'SELECT count(*) FROM orders', ...more });
  const settings = {
    disks: [],
    dataCounts: [
      count({ name: 'orders' }),
      count({ name: 'far', offBy: 0.9 }),
      count({ name: 'more', min: 50 }),
      count({ name: 'none', sql: 'SELECT count(*) FROM orders WHERE id < 0' }),
      count({ name: 'typo', sql: 'SELECT count(*) FROM ordesr' }),
    ],
  };
  const steps = await runHealth(database.url, { settings, history });
  expect(steps['data counts orders']).toMatchObject({ verdict: 'warn', summary: '40, 60 % fewer than usual' });
  expect(steps['data counts far']).toMatchObject({ verdict: 'done', summary: '40' });
  expect(steps['data counts more']).toMatchObject({ verdict: 'fail', summary: '40, expected at least 50' });
  expect(steps['data counts none']).toMatchObject({ verdict: 'fail', summary: '0, expected at least 1' });
  expect(steps['data counts typo']).toMatchObject({ verdict: 'crash', code: 'STATEMENT_FAILED' });
  expect(steps['data counts orders']?.concern).toMatchObject({ check: 'data-counts', dimension: 'data' });
});

plainTest('what is usual is the median of the same weekdays, in the zone of the project', () => {
  const now = new Date('2026-11-21T00:30:00Z');
  const weekly = series([7, 9, 8], 7 * DAY_MS, now);
  expect(usualOn(now, weekly, 'UTC')).toBe(8);
  expect(usualOn(now, weekly.slice(1), 'UTC')).toBeUndefined();
  // Half an hour after midnight in UTC it is still Friday in New York, for all of them alike.
  expect(usualOn(now, [...weekly, { at: new Date('2026-11-20T12:00:00Z'), value: 900 }], 'UTC')).toBe(8);
  expect(usualOn(now, [{ at: new Date('2026-11-21T00:10:00Z'), value: 900 }, ...weekly], 'America/New_York')).toBe(8);
});

test('orphans are counted and named, and fail above what the settings allow', async ({ database }) => {
  await database.query(`CREATE TABLE parents AS SELECT g AS id FROM generate_series(1, 10) g`);
  await database.query(`CREATE TABLE children AS SELECT g AS id, g AS "parent id" FROM generate_series(1, 10) g`);
  await database.query(`INSERT INTO children VALUES (11, NULL)`);
  const relation = { child: 'public.children.parent id', parent: 'public.parents.id' };
  const settings = {
    disks: [],
    dataOrphans: [
      { name: 'lenient', ...relation },
      { name: 'strict', max: 0, ...relation },
    ],
  };
  expect((await runHealth(database.url, { settings }))['data orphans strict']).toMatchObject({ verdict: 'done' });
  await database.query('DELETE FROM parents WHERE id = 7');
  const steps = await runHealth(database.url, { settings });
  expect(steps['data orphans lenient']).toMatchObject({
    verdict: 'warn',
    summary: '1 row of public.children without a public.parents.id, such as 7',
  });
  expect(steps['data orphans strict']).toMatchObject({ verdict: 'fail', facts: { orphans: 1, examples: ['7'] } });
});

test('freshness is the age of the newest row', async ({ database }) => {
  await database.query(`CREATE TABLE ticks AS SELECT now() - interval '10 minutes' AS at`);
  const fresh = (name: string, failAfter: string, sql = 'SELECT max(at) FROM ticks') => ({
    name,
    sql,
    warnAfter: '5 min',
    failAfter,
  });
  const settings = {
    disks: [],
    dataFreshness: [
      fresh('warns', '1 h'),
      fresh('fails', '6 min'),
      fresh('empty', '1 h', `SELECT max(at) FROM ticks WHERE at > now()`),
    ],
  };
  const steps = await runHealth(database.url, { settings });
  expect(steps['data freshness warns']).toMatchObject({
    verdict: 'warn',
    summary: expect.stringMatching(/^the newest is 10 min/),
  });
  expect(steps['data freshness fails']).toMatchObject({ verdict: 'fail' });
  expect(steps['data freshness empty']).toMatchObject({ verdict: 'fail', summary: 'there is no row at all' });
});

test('files are looked for both ways, and none outside of their folder is found', async ({ database }) => {
  const folder = mkdtempSync(join(tmpdir(), 'maint-uploads-'));
  try {
    mkdirSync(join(folder, 'a'));
    for (const name of ['a/one.txt', 'two.txt', 'stray.txt', 'new.txt']) writeFileSync(join(folder, name), 'four');
    for (const name of ['stray.txt', 'two.txt']) utimesSync(join(folder, name), 1_700_000_000, 1_700_000_000);
    symlinkSync('/etc/passwd', join(folder, 'link'));
    await database.query(`CREATE TABLE uploads (path text, size int)`);
    await database.query(`INSERT INTO uploads VALUES ('a/one.txt', 4), ('two.txt', 4), (NULL, 1)`);
    const files = { directory: folder, references: 'SELECT path, size FROM uploads' };
    const settings = {
      disks: [],
      dataFiles: [
        { name: 'one way', ...files },
        { name: 'both', bothWays: true, ...files },
      ],
    };
    const before = await runHealth(database.url, { settings });
    expect(before['data files one way']).toMatchObject({
      verdict: 'done',
      summary: '2 rows looked at, each has its file',
    });
    expect(before['data files both']).toMatchObject({ verdict: 'warn', facts: { unreferenced: ['stray.txt'] } });
    await database.query(
      `INSERT INTO uploads VALUES ('gone.pdf', 9), ('two.txt', 5), ('link', 1), ('../../etc/passwd', 1)`,
    );
    const steps = await runHealth(database.url, { settings });
    expect(steps['data files one way']).toMatchObject({
      verdict: 'fail',
      summary: expect.stringContaining('gone.pdf'),
    });
    const facts = steps['data files one way']?.facts ?? {};
    expect(new Set([facts['missing']].flat())).toEqual(new Set(['gone.pdf', 'link', '../../etc/passwd']));
    expect(facts['otherSize']).toEqual(['two.txt']);
    const lost = { ...settings, dataFiles: [{ name: 'lost', ...files, directory: join(folder, 'nowhere') }] };
    expect((await runHealth(database.url, { settings: lost }))['data files lost']).toMatchObject({
      verdict: 'crash',
      code: 'FILE_UNUSABLE',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

plainTest.each(['SELECT 1; DELETE FROM users', 'SELECT 1 -- x', 'SELECT 1) AS a; COMMIT; SELECT (1', `SELECT 'x`])(
  'a query that is more than one SELECT is refused: %s',
  async (sql) => {
    const parsed = await health.settings.safeParseAsync({ dataCounts: [{ name: 'x', sql }] });
    expect(parsed.error?.message).toContain('write one SELECT');
  },
);
