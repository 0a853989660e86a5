import { join } from 'node:path';
import { listFolder } from '../adapters/files.ts';
import { fragment, ident, sql, type Fragment } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import type { Refusal } from './refusal.ts';
import { columnsOf } from './renamed.ts';
import type { ArchiveRestore, Homecoming, Restored } from './restore-archive.ts';
import { isThere } from './restore-table.ts';
import { EXACT_TEXT, lineOf, valuesOf } from './rows-text.ts';
import { readLines, readManifest, segmentPath, unsettledId, type SegmentManifest } from './segment.ts';
import { settleAll } from './settle-segments.ts';
import { castOf, missingColumns, nameOfTable, type ColumnFacts } from './table-facts.ts';

/** So many rows are put back in one transaction. */
const CHUNK = 1_000;

/**
 * Copies rows from the segments of a rule back, the newest segment first, so that of a row that was archived twice the
 * later version comes back. Each row is compared with its line once it is in the table.
 */
export async function restoreSegments(
  request: ArchiveRestore,
  folder: string,
  home: Homecoming,
): Promise<Restored | readonly Refusal[]> {
  const { database, dryRun } = request;
  const table = nameOfTable(home.root);
  const [here] = await database.rows(sql<{ name: string }>`SELECT current_database()::text AS name`);
  if (!dryRun) await settleAll(database, { folder, root: home.root, head: { database: here?.name ?? '', table } });
  const names = ((await listFolder(folder)) ?? [])
    .map(({ name }) => name)
    .filter((name) => unsettledId(name) === undefined);
  if (names.length === 0)
    return [
      {
        detail: 'prune.archive',
        reason: `there is no segment in ${folder}`,
        remediation: ['Correct the directory; segments of another host are restored there, or copied here.'],
      },
    ];
  const restored = { table, found: 0, existing: 0, restored: 0 };
  for (const id of names.toReversed()) {
    const path = segmentPath(folder, { id, isSettled: true });
    const manifest = await readManifest(path);
    if (manifest === undefined) throw unlike(path, 'has no manifest');
    const chunk = chunkOf(path, manifest, home);
    const lines = await readLines(path, manifest);
    for (let from = 0; from < lines.length; from += CHUNK) {
      request.signal.throwIfAborted();
      const some = lines.slice(from, from + CHUNK);
      const one = dryRun ? await look(request, chunk, some) : await putBack(request, chunk, some);
      restored.found += one.found;
      restored.existing += one.existing;
      restored.restored += one.found - one.existing;
      request.onRows(restored.restored);
    }
  }
  return restored;
}

/** What one segment holds, in the columns that the table has today. */
interface Chunk extends Homecoming {
  readonly columns: readonly ColumnFacts[];
  readonly age: string;
}

function chunkOf(path: string, { table, columns, age }: SegmentManifest, home: Homecoming): Chunk {
  if (table !== nameOfTable(home.root)) throw unlike(path, `is of ${table}`);
  const missing = missingColumns(
    home.root,
    columns.map(({ name }) => name),
  );
  if (missing.length > 0) throw unlike(path, `has columns that ${table} lacks: ${missing.join(', ')}`);
  const types = columns.flatMap(({ name }) => home.root.columns.filter((column) => column.name === name));
  return { ...home, columns: types, age };
}

type Counted = Pick<Restored, 'found' | 'existing'>;

/** The rows of these lines that are meant, with the line that each comes from. */
function meant({ columns, age, selection }: Chunk, lines: readonly string[]): Fragment {
  const ageColumn = columns.find(({ name }) => name === age);
  const isBefore =
    ageColumn === undefined || selection.before === undefined
      ? fragment`true`
      : fragment`${ident(age)} < ${selection.before}::${castOf(ageColumn)}`;
  return fragment`
    SELECT * FROM (SELECT ${valuesOf(columns)} FROM (SELECT raw::json AS line FROM unnest(${lines}::text[]) raw) read) given
     WHERE ${isBefore} AND ${selection.where}`;
}

async function look({ database }: ArchiveRestore, chunk: Chunk, lines: readonly string[]): Promise<Counted> {
  const [row] = await database.rows(sql<Counted>`
    SELECT count(*)::float8 AS found, (count(*) FILTER (WHERE ${isThere(chunk)}))::float8 AS existing
      FROM (${meant(chunk, lines)}) meant`);
  return row ?? { found: 0, existing: 0 };
}

async function putBack({ database }: ArchiveRestore, chunk: Chunk, lines: readonly string[]): Promise<Counted> {
  const names = chunk.columns.map(({ name }) => name);
  const among = new Set(lines);
  return database.transaction({}, async (inside) => {
    await inside.rows(EXACT_TEXT);
    const [row] = await inside.rows(sql<{ found: number; put: readonly string[] }>`
      WITH meant AS (${meant(chunk, lines)}),
           put AS (INSERT INTO ${ident(chunk.root.schema, chunk.root.name)} (${columnsOf(names)}) OVERRIDING SYSTEM VALUE
                   SELECT ${columnsOf(names)} FROM meant ON CONFLICT DO NOTHING RETURNING ${lineOf(names)} AS line)
      SELECT (SELECT count(*) FROM meant)::float8 AS found, ARRAY(SELECT line FROM put) AS put`);
    const { found, put } = row ?? { found: 0, put: [] };
    const changed = put.filter((line) => !among.has(line)).length;
    if (changed > 0)
      throw new MaintError(
        'STATEMENT_FAILED',
        `${changed} rows of ${chunk.root.name} would not be as they were archived`,
        {
          hint: 'Look for a trigger that changes rows as they are inserted, and for columns whose type has changed.',
          detail: 'prune.archive',
        },
      );
    return { found, existing: found - put.length };
  });
}

/** What the segments in a folder say of their rule, for one that is in no configuration. @throws MaintError FILE_UNUSABLE */
export async function ruleOfFolder(folder: string): Promise<ArchiveRestore['rule']> {
  for (const { name } of (await listFolder(folder)) ?? []) {
    const manifest = unsettledId(name) === undefined ? await readManifest(join(folder, name)) : undefined;
    if (manifest !== undefined)
      return { name: manifest.rule, table: manifest.table, age: manifest.age, allowTriggers: [] };
  }
  throw new MaintError('FILE_UNUSABLE', `there is no segment in ${folder}`, {
    hint: 'Name the folder of one rule: the folders in it are named after the time.',
    detail: 'prune.segment',
  });
}

function unlike(path: string, why: string): MaintError {
  return new MaintError('FILE_UNUSABLE', `${path} ${why}`, {
    hint: 'Restore it by hand: each line of its rows is a JSON document.',
    detail: 'prune.segment',
  });
}
