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
 * Finds out what became of the segments that a run left without their names when it was killed. A row that is still in the
 * table, every byte of it, is taken out of its segment, for it will be archived when its turn comes; every other row has
 * left the table, or is not there any more as it was, and its segment keeps it.
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
  const present = new Set<string>();
  for (let from = 0; from < lines.length; from += CHUNK)
    for (const line of await stillThere(database, { root, manifest }, lines.slice(from, from + CHUNK)))
      present.add(line);
  const gone = lines.filter((line) => !present.has(line));
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

/** Which of the rows are in the table as they are in the segment. A transaction that is still about to delete them is waited for. */
async function stillThere(database: Database, asked: Asked, lines: readonly string[]): Promise<readonly string[]> {
  const { root, manifest } = asked;
  const names = manifest.columns.map(({ name }) => name);
  // Nobody can compare any more, and no row may be lost.
  if (missingColumns(root, names).length > 0) return [];
  const among = new Set(lines);
  const rows = await database.transaction({}, async (inside) => {
    await inside.rows(EXACT_TEXT);
    return inside.rows(byKey(asked, lines));
  });
  return rows.map(({ line }) => line).filter((line) => among.has(line));
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
