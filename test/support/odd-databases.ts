import fc from 'fast-check';

/** A table as nobody would want it. */
interface OddTable {
  readonly schema: string;
  readonly name: string;
  readonly kind: 'plain' | 'unlogged' | 'partitioned' | 'inherited';
  readonly rows: readonly { readonly body: string | null; readonly data: Uint8Array }[];
}

/** A database whose names and values try everything that could be mistaken for something else. */
export interface OddDatabase {
  /** Statements that make and fill it, each to be sent on its own. */
  readonly statements: readonly string[];
  /** In all tables together. */
  readonly rows: number;
}

/** Names take at most 63 bytes, of which the number that parts them takes some. */
const NAME_BYTES = 56;

const trickyName = fc.constantFrom(
  'a "b"',
  'line\nbreak',
  'x FROM stdin;\n',
  'COPY',
  '\\.',
  'tab\there',
  "it's",
  'Ünïcode ☃',
  '.',
  'a.b',
  ' ',
  '(',
  '")"',
);
const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((value) => value.replaceAll('\0', ''));
const name = fc.oneof(
  trickyName,
  text.filter((value) => value !== '' && Buffer.byteLength(value) <= NAME_BYTES),
);
const body = fc.oneof(
  fc.constantFrom(
    '',
    '\\.',
    '\n\\.\n',
    '\\N',
    'a\nb\r\nc',
    '\t',
    '\\',
    '\n',
    'COPY public.fake (id) FROM stdin;\n',
    'x'.repeat(9_000),
  ),
  text,
);
const row = fc.record({ body: fc.option(body, { freq: 6 }), data: fc.uint8Array({ maxLength: 200 }) });
const table: fc.Arbitrary<OddTable> = fc.record({
  schema: fc.constantFrom('public', 'Odd.Schema', 'a "b"'),
  name,
  kind: fc.constantFrom('plain', 'plain', 'unlogged', 'partitioned', 'inherited'),
  rows: fc.array(row, { maxLength: 40 }),
});

/** Databases of every shape, the empty one among them. */
export const oddDatabase: fc.Arbitrary<OddDatabase> = fc
  .record({
    tables: fc.array(table, { maxLength: 6 }),
    largeObjects: fc.array(fc.uint8Array({ maxLength: 5_000 }), { maxLength: 3 }),
  })
  .map(({ tables, largeObjects }) => ({
    statements: [
      ...['Odd.Schema', 'a "b"'].map((schema) => `CREATE SCHEMA ${quoted(schema)}`),
      ...tables.flatMap((found, index) => statementsOf(found, index)),
      ...largeObjects.map((bytes) => `SELECT lo_from_bytea(0, ${byteLiteral(bytes)})`),
    ],
    rows: tables.reduce((sum, { rows }) => sum + rows.length, 0),
  }));

/** @param index parts tables of one name */
function statementsOf({ schema, name, kind, rows }: OddTable, index: number): readonly string[] {
  const qualified = (suffix: string): string => `${quoted(schema)}.${quoted(`${name}${suffix}${index}`)}`;
  const whole = qualified('');
  const columns = `(id int NOT NULL, "the ""body""" text, data bytea)`;
  const values = rows.map(
    ({ body, data }, id) => `(${id}, ${body === null ? 'NULL' : literal(body)}, ${byteLiteral(data)})`,
  );
  return [
    `CREATE ${kind === 'unlogged' ? 'UNLOGGED ' : ''}TABLE ${whole} ${columns}${kind === 'partitioned' ? ' PARTITION BY HASH (id)' : ''}`,
    ...(kind === 'partitioned'
      ? [0, 1].map(
          (rest) =>
            `CREATE TABLE ${qualified(`p${rest}`)} PARTITION OF ${whole} FOR VALUES WITH (MODULUS 2, REMAINDER ${rest})`,
        )
      : []),
    ...(kind === 'inherited' ? [`CREATE TABLE ${qualified('c')} () INHERITS (${whole})`] : []),
    ...(values.length === 0
      ? []
      : [`INSERT INTO ${kind === 'inherited' ? qualified('c') : whole} VALUES ${values.join(', ')}`]),
  ];
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function byteLiteral(bytes: Uint8Array): string {
  return `'\\x${Buffer.from(bytes).toString('hex')}'::bytea`;
}
