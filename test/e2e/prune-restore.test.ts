import { rm } from 'node:fs/promises';
import { readdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { test } from '../support/site.ts';

/** One column of each kind that a careless archive would change. */
const ODDITIES = `
  CREATE TYPE mood AS ENUM ('sad', 'so "so"', 'happy');
  CREATE TYPE pair AS (a int, b text);
  CREATE DOMAIN short AS text CHECK (length(VALUE) < 100);
  CREATE TABLE odd (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, name short, twice text GENERATED ALWAYS AS (name || name) STORED,
    raw bytea, exact numeric, money numeric(10, 2), float float8, real float4, day date, local timestamp, span interval, mood mood,
    tags text[], grid int[], moods mood[], doc json, docb jsonb, pair pair, range tstzrange, fixed char(8), bits bit(5), "Odd ""Name" text,
    net inet, uid uuid, one "char", vec tsvector, flag boolean, xml xml);
  INSERT INTO odd (at, name, raw, exact, money, float, real, day, local, span, mood, tags, grid, moods, doc, docb, pair, range, fixed,
                   bits, "Odd ""Name", net, uid, one, vec, flag, xml) VALUES
   ('2020-01-01 00:00:00.123456+05:45', E'line\\nbreak\\ttab \\\\ "quote" \\u2028 ☃', '\\x00ff0a', 1e-30, 1.10, '-0', 0.1, '0044-03-15 BC',
    'infinity', '-1 year 2 mons -3 days 04:05:06.7', 'so "so"', '{NULL,"",NULL,"a,b","{}"}', '[0:1][2:3]={{1,2},{3,NULL}}', '{sad}',
    E'{"b": 1,\\n "a": 1.00, "a": 2}', 'null', ROW(NULL, 'x"y'), '[2020-01-01,)', 'ab', B'10101', '', '10.0.0.1/8',
    '00000000-0000-0000-0000-000000000001', 'x', 'a:1 b:2', true, '<a> </a>'),
   ('2020-01-02', NULL, NULL, 'NaN', NULL, 'NaN', 'Infinity', 'infinity', '2020-01-01', '0', NULL, '{}', '{}', NULL, 'null', '{"z": [1.0, null]}',
    ROW(NULL, NULL), 'empty', NULL, NULL, NULL, '::1', NULL, NULL, '', NULL, NULL),
   ('2020-01-03', 'plain', '', 123456789012345678901234567890.123456789, 0, 1e300, 1e-45, '2020-02-29', '2020-01-01 00:00:00.000001',
    '1 mon', 'happy', '{x}', '{{1}}', '{happy,sad}', '[]', '1e2', NULL, NULL, 'abcdefgh', B'00000', 'x', '10.0.0.1', NULL, '1', NULL, false, 'text'),
   (now(), 'young', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL)`;
/** Every byte of every row, also where the settings of the database shorten what is printed. */
const EVERYTHING = `
  SELECT id, odd::text AS whole, doc::text AS doc, docb IS NULL AS "hasNoDocb", encode(float8send(float), 'hex') AS float,
         encode(float4send("real"), 'hex') AS real, array_dims(grid) AS dims, pair IS NULL AS "isEmptyPair"
    FROM odd ORDER BY id`;

describe('maint prune restore', () => {
  test('brings back, byte by byte, what went into files or a table', async ({ site }) => {
    const { database } = site;
    const directory = mkdtempSync(join(tmpdir(), 'maint-archive-'));
    await database.query(ODDITIES);
    await database.query(`ALTER DATABASE ${database.name} SET extra_float_digits = 0`);
    await database.query(`ALTER DATABASE ${database.name} SET datestyle = 'SQL, DMY'`);
    await database.query(`ALTER DATABASE ${database.name} SET intervalstyle = 'sql_standard'`);
    await database.query(`ALTER DATABASE ${database.name} SET bytea_output = 'escape'`);
    const before = await site.database.query(EVERYTHING);
    expect(before).toHaveLength(4);
    const rule = { name: 'odd', table: 'odd', age: 'at', olderThan: '30 days', maxShare: 1 };
    await database.query('CREATE TABLE kept (LIKE odd); ALTER TABLE kept DROP COLUMN twice');
    for (const archive of [{ directory }, { table: 'kept' }]) {
      site.configure({ tasks: { prune: { rules: [{ ...rule, archive }] } } });
      const pruned = await site.run('prune');
      expect(pruned.exitCode, pruned.stdout + pruned.stderr).toBe(0);
      expect(await database.query('SELECT FROM odd')).toHaveLength(1);

      const dry = await site.run('prune', 'restore', 'odd', '--dry-run');
      expect(dry.stdout, dry.stderr).toContain('3 rows found, 3 would come back to public.odd');
      expect(await database.query('SELECT FROM odd')).toHaveLength(1);
      const one = await site.run(
        'prune',
        'restore',
        'odd',
        '--where',
        'id = 2',
        '--since',
        '2020-01-02',
        '--until',
        '2020-01-03',
        '--json',
      );
      expect(JSON.parse(one.stdout)).toMatchObject({ rule: 'odd', found: 1, existing: 0, restored: 1 });
      const all = await site.run('prune', 'restore', 'odd');
      expect(all.exitCode, all.stderr).toBe(0);
      expect(all.stdout).toContain('2 came back to public.odd');
      expect(await database.query(EVERYTHING)).toEqual(before);
    }
    expect(await database.query('SELECT FROM kept')).toHaveLength(0);
    // A second time, and by the folder alone: the files have the rows still, and the table too.
    const [again, folder] = [
      await site.run('prune', 'restore', 'odd'),
      await site.run('prune', 'restore', join(directory, 'odd')),
    ];
    expect(again.stdout).toContain('0 rows found, 0 came back');
    expect(folder.stdout).toContain('3 rows found, 0 came back to public.odd, 3 stay as they are there');
    expect(readdirSync(join(directory, 'odd'))).toHaveLength(1);
    await rm(directory, { recursive: true });
  });

  test('says what is wrong before it touches anything, and comes to nothing where a row would change', async ({
    site,
  }) => {
    const { database } = site;
    const directory = mkdtempSync(join(tmpdir(), 'maint-archive-'));
    await database.query(
      `CREATE TABLE notes (id int PRIMARY KEY, at timestamptz, body text);
       INSERT INTO notes SELECT n, now() - n * interval '10 days', 'x' FROM generate_series(1, 9) n;
       CREATE TABLE bare (id int PRIMARY KEY, at timestamptz)`,
    );
    const rule = { table: 'notes', age: 'at', olderThan: '30 days', maxShare: 1 };
    const rules = [
      { ...rule, name: 'notes', archive: { directory } },
      { ...rule, name: 'bare', table: 'bare' },
    ];
    site.configure({ tasks: { prune: { rules } } });
    await site.run('prune');
    expect(await database.query('SELECT FROM notes')).toHaveLength(2);
    for (const [words, said] of [
      [['note'], 'unknown rule "note"'],
      [['bare'], 'the rule bare has no archive'],
      [['notes', '--since', 'yesteryear'], 'yesteryear is no time'],
      [['notes', '--where', 'nothing = 1'], '--where is not usable'],
      [['notes', '--where', 'true) OR (true'], '--where is not usable'],
      [['notes', '--pace', 'full'], 'unknown flag'],
    ] as const) {
      const run = await site.run('prune', 'restore', ...words);
      expect(run.exitCode, run.stderr).toBe(2);
      expect(run.stderr).toContain(said);
    }
    await database.query(
      `CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.body = upper(NEW.body); RETURN NEW; END';
       CREATE TRIGGER shout BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION shout()`,
    );
    expect((await site.run('prune', 'restore', 'notes')).stderr).toContain('shout on notes would fire');
    site.configure({ tasks: { prune: { rules: rules.map((each) => ({ ...each, allowTriggers: ['shout'] })) } } });
    const changed = await site.run('prune', 'restore', 'notes');
    expect(changed.stderr).toContain('7 rows of notes would not be as they were archived');
    expect(await database.query('SELECT FROM notes')).toHaveLength(2);
    await rm(directory, { recursive: true });
  });
});
