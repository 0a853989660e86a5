import type { Database } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import type { Manifest } from './manifest.ts';
import { readSource } from './source.ts';
import { tableKey } from './table-name.ts';
import { compareRows, describeDifferences } from './row-differences.ts';

/** Something that is wrong with a restored database. */
export interface RestoreFinding {
  /** Dotted name for programs: `restore.rows_mismatch`. */
  readonly detail: string;
  /** One line for people. */
  readonly message: string;
}

/** What a restored database must be like. */
interface Expected {
  readonly tables: Manifest['tables'];
  /** May there be other tables, which nobody asks about? */
  readonly isPart?: boolean;
  /** See `RestoreNeeds.sequences`. */
  readonly sequences: ReadonlyMap<string, string | undefined>;
}

/** Counting takes as long as it takes; the deadline of the step ends it. */
const COUNT_TIMEOUT_MS = 24 * 60 * 60_000;

/**
 * Holds a restored database against the manifest: the rows of each table, exactly, and the state of each sequence and
 * index.
 * @returns nothing where all is as it was
 * @throws MaintError when it could not be found out
 */
export async function checkRestored(database: Database, expected: Expected): Promise<readonly RestoreFinding[]> {
  await using snapshot = await database.snapshot({ statementTimeoutMs: COUNT_TIMEOUT_MS });
  const { rows } = await readSource(snapshot);
  const invalid = await snapshot.rows(invalidIndexes);
  const found = new Map(
    (await snapshot.rows(sequenceStates)).map((row) => [tableKey(row.schema, row.name), row.value]),
  );
  const counted = [...rows.values()].map((row) => [tableKey(row.schema, row.name), row.rows] as const);
  return [
    ...rowFindings(
      expected.tables,
      new Map(expected.isPart ? counted.filter(([name]) => Object.hasOwn(expected.tables, name)) : counted),
    ),
    ...[...expected.sequences].flatMap(([name, value]) => sequenceFinding(name, value, found)),
    ...invalid.map(({ name, table }) => ({
      detail: 'restore.index_invalid',
      message: `index ${name} of ${table} is invalid`,
    })),
  ];
}

function rowFindings(tables: Manifest['tables'], found: ReadonlyMap<string, number>): readonly RestoreFinding[] {
  const expected = new Map(Object.entries(tables).map(([name, { rows }]) => [name, rows]));
  const differences = compareRows(expected, found);
  if (differences.length === 0) return [];
  return [{ detail: 'restore.rows_mismatch', message: describeDifferences(differences) }];
}

function sequenceFinding(
  name: string,
  expected: string | undefined,
  found: ReadonlyMap<string, string | null>,
): readonly RestoreFinding[] {
  const value = found.get(name);
  if (value !== undefined && (value ?? undefined) === expected) return [];
  const stands = value === undefined ? 'is missing' : `stands at ${value ?? 'its start'}`;
  const message = `sequence ${name} ${stands}, expected ${expected ?? 'its start'}`;
  return [{ detail: 'restore.sequence_mismatch', message }];
}

const sequenceStates = sql<{ schema: string; name: string; value: string | null }>`
  SELECT schemaname::text AS schema, sequencename::text AS name, last_value::text AS value
    FROM pg_sequences`;

const invalidIndexes = sql<{ name: string; table: string }>`
  SELECT i.indexrelid::regclass::text AS name, i.indrelid::regclass::text AS table
    FROM pg_index AS i
   WHERE NOT (i.indisvalid AND i.indisready)
   ORDER BY 1`;
