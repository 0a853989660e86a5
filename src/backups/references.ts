import { followInside } from '../adapters/file-tree.ts';
import type { Database, Snapshot } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { attempt } from './attempt.ts';
import { ReferenceIndex, storedPath } from './reference-index.ts';

/** What a query said when it was asked which files rows point to. */
export type References = ReferenceIndex | MaintError;

/** Files that rows point to and that are not in the archive as the rows say. */
export interface LostFiles {
  readonly missing: number;
  readonly otherSize: number;
  /** Files whose rows went or changed while the backup was taken. */
  readonly passing: number;
  /** The first few, as rows write them. */
  readonly examples: readonly string[];
}

interface ReferenceRow {
  readonly path: string | null;
  readonly size: string | null;
  readonly hasPath: boolean;
}

const ROWS_AT_ONCE = 10_000;
const EXAMPLES = 20;
/** The deadline of the step ends it. */
const TIMEOUT_MS = 24 * 60 * 60_000;

/**
 * Reads which files the rows of a snapshot point to.
 * @returns the error where the query is refused, which must not cost the backup
 * @throws MaintError where the snapshot is lost
 */
export async function readReferences(snapshot: Snapshot, query: string): Promise<References> {
  return attempt(snapshot, async () => {
    const index = new ReferenceIndex();
    for await (const { path, size } of referenceRows(snapshot, query)) index.add(path, size);
    return index;
  });
}

interface Lookup {
  readonly query: string;
  readonly index: ReferenceIndex;
  /** As `realFolder` gives it. */
  readonly root: string;
}

/**
 * Finds out which files are missing from the archive, or have another size there, by asking for the rows once more: of
 * those that were not found only a fingerprint is known. A row that is gone by now took its file with it, which is how
 * it should be; and a path that leads through a link to a file of the same folder is not missing.
 * @throws MaintError
 */
export async function findLostFiles(database: Database, { query, index, root }: Lookup): Promise<LostFiles> {
  const examples: string[] = [];
  let missing = 0;
  let otherSize = 0;
  if (index.unsettled > 0) {
    await using snapshot = await database.snapshot({ statementTimeoutMs: TIMEOUT_MS });
    for await (const { path, size } of referenceRows(snapshot, query)) {
      const seen = index.sighting(path);
      if (seen === undefined || seen.state === 'found' || seen.size !== size) continue;
      index.settle(path);
      if (seen.state === 'unseen' && (await isBehindLink(root, path))) continue;
      if (seen.state === 'unseen') missing += 1;
      else otherSize += 1;
      if (examples.length < EXAMPLES) examples.push(path);
    }
  }
  return { missing, otherSize, passing: index.unsettled, examples };
}

async function isBehindLink(root: string, path: string): Promise<boolean> {
  const real = await followInside(root, path);
  return real !== undefined && real.path !== storedPath(path);
}

/** Rows by cursor, so that a million of them take no memory. Bracketed, the query can be nothing but one SELECT. */
async function* referenceRows(
  snapshot: Snapshot,
  query: string,
): AsyncGenerator<{ readonly path: string; readonly size: number | undefined }> {
  const inside = query.trim().replace(/;+$/, '');
  await snapshot.rows({
    text: `DECLARE maint_references NO SCROLL CURSOR FOR
           SELECT to_jsonb(referenced) ->> 'path' AS path, to_jsonb(referenced) ->> 'size' AS size,
                  to_jsonb(referenced) ? 'path' AS "hasPath"
             FROM (${inside}
                  ) AS referenced`,
    values: [],
  });
  for (;;) {
    const rows = await snapshot.rows<ReferenceRow>({ text: `FETCH ${ROWS_AT_ONCE} FROM maint_references`, values: [] });
    if (rows[0]?.hasPath === false) throw new MaintError('STATEMENT_FAILED', 'the query has no column named path');
    for (const { path, size } of rows)
      if (path !== null) yield { path, size: size === null ? undefined : Number(size) };
    if (rows.length < ROWS_AT_ONCE) break;
  }
  await snapshot.rows(sql`CLOSE maint_references`);
}
