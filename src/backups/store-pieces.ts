import type { GrowingFile } from '../adapters/growing-file.ts';
import { release } from '../adapters/memory.ts';

/** Pieces are gathered to this size before they are written. */
const WRITE_BYTES = 512 * 2 ** 10;

/**
 * Writes pieces into a file, one batch while the next is gathered, and gives their memory back.
 * @param onBytes told now and then how many bytes stand in the file
 * @throws what the source and the file throw
 */
export async function storePieces(
  source: AsyncIterable<Buffer>,
  file: GrowingFile,
  onBytes: (bytes: number) => void,
): Promise<void> {
  let batch: Buffer[] = [];
  let batchBytes = 0;
  let writing: Promise<void> = Promise.resolve();
  const writeOut = async (pieces: readonly Buffer[]): Promise<void> => {
    await file.append(pieces);
    pieces.forEach(release);
  };
  const flush = async (): Promise<void> => {
    await writing;
    onBytes(file.size);
    writing = writeOut(batch);
    // Awaited with the next batch, or at the end.
    writing.catch(ignoreForNow);
    batch = [];
    batchBytes = 0;
  };
  for await (const piece of source) {
    batch.push(piece);
    batchBytes += piece.length;
    if (batchBytes >= WRITE_BYTES) await flush();
  }
  await flush();
  await writing;
  onBytes(file.size);
}

/** Said with the next batch, or at the end. */
function ignoreForNow(): void {}
