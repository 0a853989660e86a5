import { release } from '../adapters/memory.ts';
import { ForeignArchive } from './archive-header.ts';
import { ArchiveRows, BrokenArchive, type CountedTable } from './archive-rows.ts';
import { schemaSha256 } from './schema-hash.ts';
import { parseCopy, tableKey } from './table-name.ts';

/** What was seen of an archive in passing. */
export type Watched =
  /** Rows by the table that a COPY loads; the hash is undefined where the definitions were not seen. */
  | {
      readonly kind: 'counted';
      readonly rows: ReadonlyMap<string, number>;
      readonly schemaSha256: string | undefined;
    }
  | { readonly kind: 'broken'; readonly fault: string }
  /** Only pg_restore can read it. */
  | { readonly kind: 'foreign' };

/** Counts the rows of an archive that is on its way to someone else. */
export class ArchiveWatch {
  #rows: ArchiveRows | undefined = new ArchiveRows();
  #ending: Watched | undefined;

  /** The same pieces, each looked at before it is handed on. */
  readonly passing = (source: AsyncIterable<Buffer>): AsyncIterable<Buffer> => this.#watched(source);

  /** Takes back the memory of a piece that nobody else needs: pieces of the archive's head are looked at once more. */
  readonly usedUp = (piece: Buffer): void => {
    if (this.#rows?.isInData !== false) release(piece);
  };

  /** Call it after the last piece. */
  finish(): Watched {
    this.#attempt((rows) => {
      this.#ending = { kind: 'counted', rows: rowsByCopy(rows.finish()), schemaSha256: schemaSha256(rows.objects) };
    });
    return this.#ending ?? { kind: 'foreign' };
  }

  async *#watched(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of source) {
      this.#attempt((rows) => rows.push(piece));
      yield piece;
    }
  }

  #attempt(work: (rows: ArchiveRows) => void): void {
    if (this.#rows === undefined) return;
    try {
      work(this.#rows);
    } catch (error) {
      if (error instanceof BrokenArchive) this.#ending = { kind: 'broken', fault: error.message };
      else if (error instanceof ForeignArchive) this.#ending = { kind: 'foreign' };
      else throw error;
      this.#rows = undefined;
    }
  }
}

/** Partitions that are loaded through their root count as one table, for that is how COPY names them. */
function rowsByCopy(tables: readonly CountedTable[]): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  for (const table of tables) {
    const target = parseCopy(table.copyStatement)?.table ?? tableKey(table.schema, table.name);
    rows.set(target, (rows.get(target) ?? 0) + table.rows);
  }
  return rows;
}
