import { z } from 'zod';
import type { Database } from '../adapters/postgres.ts';
import { fragment, ident, sql, type Fragment, type Statement } from '../adapters/sql.ts';
import { listFolder } from '../adapters/files.ts';
import { MaintError } from '../base/errors.ts';
import { columnsOf, listed } from './renamed.ts';
import { EXACT_TEXT, lineOf } from './rows-text.ts';
import {
  dropSegment,
  readLines,
  readManifest,
  segmentPath,
  settleSegment,
  unsettledId,
  writeSegment,
  type SegmentHead,
  type SegmentManifest,
} from './segment.ts';
import { missingColumns, sourceOf, type TableFacts } from './table-facts.ts';

/** Segments of one rule, and the table that their rows left. */
interface Settling {
  readonly folder: string;
  readonly root: TableFacts;
  readonly head: Pick<SegmentHead, 'database' | 'table'>;
}

/** So many rows are looked for at once. */
const CHUNK = 1_000;

/**
 * Finds out what became of the segments that a run left without their names when it was killed. Rows leave a table together
 * or not at all: where one is in the table as it is in the segment, every byte of it, none has left, and those that the table
 * has are taken out of the segment, for they will be archived when their turn comes. All others stay in it.
 * @throws MaintError FILE_UNUSABLE where a segment is damaged, or is not of this table
 */
export async function settleAll(database: Database, { folder, root, head }: Settling): Promise<void> {
  const unsettled: SegmentManifest[] = [];
  for (const { name } of (await listFolder(folder)) ?? []) {
    const id = unsettledId(name);
    if (id === undefined) continue;
    const manifest = await readManifest(segmentPath(folder, { id, isSettled: false }));
    if (manifest !== undefined) unsettled.push(manifest);
    // It was never read back, so nothing left the table for it.
    else await dropSegment(folder, id);
  }
  const replaced = new Set(unsettled.map(({ replaces }) => replaces));
  for (const manifest of unsettled) {
    if (manifest.database !== head.database || manifest.table !== head.table) throw alien(folder, manifest);
    if (replaced.has(manifest.id)) await dropSegment(folder, manifest.id);
    else await settleOne(database, { folder, root }, manifest);
  }
}

async function settleOne(
  database: Database,
  { folder, root }: Pick<Settling, 'folder' | 'root'>,
  manifest: SegmentManifest,
): Promise<void> {
  const { id } = manifest;
  const lines = await readLines(segmentPath(folder, { id, isSettled: false }), manifest);
  const asked = { root, manifest };
  const there: Found[] = [];
  for (let from = 0; from < lines.length; from += CHUNK)
    there.push(...(await stillThere(database, asked, lines.slice(from, from + CHUNK))));
  const unchanged = new Set(there.map(({ line }) => line));
  const keys = new Set(there.map(({ key }) => key));
  const hasLeft = !lines.some((line) => unchanged.has(line));
  const gone = hasLeft ? lines : lines.filter((line) => !keys.has(keyOfLine(line, manifest)));
  if (gone.length === lines.length) return settleSegment(folder, id);
  if (gone.length === 0) return dropSegment(folder, id);
  const rest = { ...manifest, id: `${id}r`, replaces: id };
  await writeSegment(folder, rest, gone);
  await dropSegment(folder, id);
  await settleSegment(folder, rest.id);
}

interface Asked {
  readonly root: TableFacts;
  readonly manifest: SegmentManifest;
}

/** A row of the table whose key is in the segment. */
interface Found {
  readonly line: string;
  /** The values of its primary key, as JSON. */
  readonly key: string;
}

/** The rows that the table has. A transaction that is still about to delete them is waited for. */
async function stillThere(database: Database, asked: Asked, lines: readonly string[]): Promise<readonly Found[]> {
  const { root, manifest } = asked;
  const names = manifest.columns.map(({ name }) => name);
  // Nobody can compare any more, and no row may be lost.
  if (missingColumns(root, names).length > 0) return [];
  const rows = await database.transaction({}, async (inside) => {
    await inside.rows(EXACT_TEXT);
    return inside.rows(byKey(asked, lines));
  });
  return rows.map(({ line }) => ({ line, key: keyOfLine(line, manifest) }));
}

const lineSchema = z.record(z.string(), z.string().nullable());

function keyOfLine(line: string, { key }: SegmentManifest): string {
  const values = lineSchema.parse(JSON.parse(line));
  return JSON.stringify(key.map((name) => values[name]));
}

function byKey({ root, manifest: { columns, key } }: Asked, lines: readonly string[]): Statement<{ line: string }> {
  const keyed: readonly Fragment[] = root.columns
    .filter(({ name }) => key.includes(name))
    .toSorted((a, b) => key.indexOf(a.name) - key.indexOf(b.name))
    .map(({ name, typeName }) => fragment`(given::json ->> ${name}::text)::${ident(...typeName)}`);
  return sql<{ line: string }>`
    SELECT ${lineOf(columns.map(({ name }) => name))} AS line
      FROM ${sourceOf(root)}
     WHERE (${columnsOf(key)}) IN (SELECT ${listed(keyed)} FROM unnest(${lines}::text[]) given)
       FOR KEY SHARE`;
}

function alien(folder: string, { id, database, table }: SegmentManifest): MaintError {
  return new MaintError(
    'FILE_UNUSABLE',
    `${folder} holds the segment ${id} of ${table} in ${database}, which is another table`,
    {
      hint: 'Give each rule and each database a directory of its own.',
      detail: 'prune.segment',
    },
  );
}
