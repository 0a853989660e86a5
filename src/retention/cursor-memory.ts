import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import type { Memory } from '../engine/memory.ts';
import type { Cursor, CursorKeeper, Places, Sweeping } from './cursor.ts';
import type { Cutoff } from './cutoff.ts';
import type { Target } from './target.ts';

const REMEMBERED = z.object({
  fingerprint: z.string(),
  filenode: z.string(),
  block: z.int().nonnegative(),
  cutoff: z.object({ at: z.iso.datetime({ offset: true }), key: z.string() }),
});

/** The cursor as an earlier run left it in the journal. */
export async function inMemory(
  { database, memory }: Places,
  target: Target,
  { trend, fingerprint }: Sweeping,
): Promise<Cursor | undefined> {
  const place = await placeOf(database, target, trend);
  const { success, data } = REMEMBERED.safeParse(memory?.recall(place.key));
  if (!success || data.fingerprint !== fingerprint || data.filenode !== place.filenode) return undefined;
  return { block: data.block, cutoff: data.cutoff };
}

/** Keeps the cursor in the journal: behind each batch, as two stores cannot commit as one. */
export async function keeperIn(
  { database, memory }: { readonly database: Reader; readonly memory: Memory },
  target: Target,
  { sweeping, cutoff }: { readonly sweeping: Sweeping; readonly cutoff: Cutoff },
): Promise<CursorKeeper> {
  const { key, filenode } = await placeOf(database, target, sweeping.trend);
  return {
    save: (block) => ({
      committed: () =>
        block === undefined
          ? memory.forget(key)
          : memory.remember(key, { fingerprint: sweeping.fingerprint, filenode, block, cutoff }),
    }),
  };
}

interface Place {
  readonly key: string;
  /** A table that was rewritten has its rows in other blocks. */
  readonly filenode: string;
}

async function placeOf(database: Reader, { oid }: Target, trend: string): Promise<Place> {
  const [row] = await database.rows(sql<{ filenode: string }>`
    SELECT coalesce(pg_relation_filenode(${oid}::oid)::text, '') AS filenode`);
  return { key: `prune.cursor ${database.name} ${oid} ${trend}`, filenode: row?.filenode ?? '' };
}
