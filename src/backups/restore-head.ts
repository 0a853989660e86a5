import { ForeignArchive, readArchiveHeader, type ArchiveHeader } from './archive-header.ts';
import { damageOf, libraryOpening } from './opening.ts';
import type { StoredArtifact } from './stored.ts';

/** The beginning of an archive up to its first data block: enough for everything but the rows. */
export interface ArchiveHead {
  readonly header: ArchiveHeader;
  /** These bytes alone are an archive without data, which pg_restore can seek in. */
  readonly bytes: Buffer;
}

/** The head is tried again each time twice as much of it has come. */
const FIRST_TRY_BYTES = 64 * 2 ** 10;

/**
 * Reads the head of a stored dump, and no more of it than that.
 * @returns undefined where only pg_restore can read it, or where it is damaged: the load will say how
 * @throws MaintError as `Store.read`, KEY_MISSING where it is encrypted and there is no key
 */
export async function readHead({ read, codec, keys }: StoredArtifact): Promise<ArchiveHead | undefined> {
  const through = await libraryOpening(codec, keys);
  let head: ArchiveHead | undefined;
  let pieces: readonly Buffer[] = [];
  let size = 0;
  let nextTry = FIRST_TRY_BYTES;
  // Ends the file early instead of breaking off, so that it is closed.
  const untilFound = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of read()) {
      if (head !== undefined) return;
      yield piece;
    }
  };
  try {
    for await (const piece of through(untilFound())) {
      if (head !== undefined) continue;
      pieces = [...pieces, piece];
      size += piece.length;
      if (size < nextTry) continue;
      const bytes = Buffer.concat(pieces);
      head = headOf(bytes);
      pieces = [bytes];
      nextTry = size * 2;
    }
    return head ?? headOf(Buffer.concat(pieces));
  } catch (error) {
    if (error instanceof ForeignArchive || damageOf(error) !== undefined) return head;
    throw error;
  }
}

function headOf(bytes: Buffer): ArchiveHead | undefined {
  const header = readArchiveHeader(bytes);
  return header === undefined ? undefined : { header, bytes: Buffer.from(bytes.subarray(0, header.dataOffset)) };
}
