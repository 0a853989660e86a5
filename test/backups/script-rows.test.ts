import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BrokenScript, ScriptRows } from '../../src/backups/script-rows.ts';

function count(script: string, chunkSize: number): Readonly<Record<string, number>> {
  const rows = new ScriptRows();
  const bytes = Buffer.from(script);
  for (let at = 0; at < bytes.length; at += chunkSize) rows.push(bytes.subarray(at, at + chunkSize));
  return Object.fromEntries(rows.finish());
}

const copies = (name: string, lines: readonly string[]): string =>
  `-- Data for Name\n\nCOPY ${name} FROM stdin;\n${lines.map((line) => `${line}\n`).join('')}\\.\n\n\n`;

test('a script is counted the same however it is cut into chunks', () => {
  const line = fc.oneof(
    fc.string({ maxLength: 60 }).map((value) => value.replaceAll('\n', '').replaceAll('\\', '\\\\')),
    fc.constantFrom('', '\\\\.', '\\N', 'COPY public.fake (id) FROM stdin;', '\\n\\.'),
  );
  fc.assert(
    fc.property(
      fc.array(fc.array(line, { maxLength: 20 }), { maxLength: 4 }),
      fc.integer({ min: 1, max: 90 }),
      (lists, size) => {
        const script = lists.map((lines, index) => copies(`public.t${index} (id)`, lines)).join('');
        const expected = Object.fromEntries(lists.map((lines, index) => [`public.t${index}`, lines.length]));
        expect(count(script, size)).toEqual(expected);
      },
    ),
    { numRuns: 500 },
  );
});

test('odd names are read as they are', () => {
  const script = [
    copies('public."a b.c" ("x y", "q)""(")', ['1']),
    copies('"S.1"."line\nbreak" (i)', ['1', '2']),
    copies('public."x FROM stdin;\n" (i)', ['1']),
    copies('public.nothing ', ['', '', '']),
    copies('public."Ünïcode ☃" (i)', []),
  ].join("SELECT pg_catalog.setval('public.s', 1, true);\n");
  for (const size of [1, 7, 10_000])
    expect(count(script, size)).toEqual({
      'public."a b.c"': 1,
      '"S.1"."line\nbreak"': 2,
      'public."x FROM stdin;\n"': 1,
      'public.nothing': 3,
      'public."Ünïcode ☃"': 0,
    });
});

test('several COPY into one table add up', () => {
  expect(count(copies('public.root (i)', ['1']) + copies('public.root (i)', ['2', '3']), 9)).toEqual({
    'public.root': 3,
  });
});

test('a script that ends within a table is broken', () => {
  expect(() => count('COPY public.users (id) FROM stdin;\n1\n2\n', 10)).toThrow(BrokenScript);
});
