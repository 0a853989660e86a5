import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { GrowingFile } from '../adapters/growing-file.ts';
import { release } from '../adapters/memory.ts';
import { piecesOf } from '../adapters/pieces.ts';
import { checkStages, feed, startPipeline } from '../adapters/pipeline.ts';
import { compressed, decompressed } from '../adapters/zstd.ts';
import type { Artifact } from './manifest.ts';
import type { Sealing } from './sealing.ts';
import { storePieces } from './store-pieces.ts';
import { together } from './together.ts';

/** How the artifacts of one backup are written. */
export interface ArtifactPlace {
  /** Absolute path of the folder. */
  readonly folder: string;
  readonly sealing: Sealing;
  /** Absolute path; undefined uses the library of Node.js, as the lowest level does anyway. */
  readonly zstd: string | undefined;
  /** Of zstd, 1 to 19. */
  readonly level: number;
  /** Told how many more bytes have been written. */
  readonly onWritten: (bytes: number) => void;
}

/** One artifact beside the dump. */
interface ArtifactRequest {
  /** Its name without the endings of compression and encryption. */
  readonly name: string;
  /** What the bytes are, before anything is applied: the first word of the codec. */
  readonly content: string;
  /** Makes the bytes, in pieces that it looks at no more. Stops early when the signal aborts. */
  readonly source: (signal: AbortSignal) => AsyncIterable<Buffer>;
  /** Takes the bytes as they were read back and decoded, and keeps none of them. What it throws ends the writing. */
  readonly inspect: (piece: Buffer) => void;
}

/** What goes beside a dump must not slow down the host more than the dump itself. */
const ZSTD_THREADS = 2;
/**
 * Up to this level one thread of the library keeps up with the bytes as they come, and to hand every byte to a program
 * would cost more than the second thread of the program saves.
 */
const LIBRARY_LEVEL = 1;

/**
 * Compresses and encrypts bytes into a file while a second reader already follows it and decodes what stands there.
 * @throws MaintError NO_SPACE, FILE_UNUSABLE, PROGRAM_FAILED; what the source and `inspect` throw
 */
export async function writeArtifact(
  place: ArtifactPlace,
  request: ArtifactRequest,
  signal: AbortSignal,
): Promise<Artifact> {
  const { folder, sealing } = place;
  const path = `${request.name}.zst${sealing.suffix}`;
  await using file = await GrowingFile.create(join(folder, path));
  const [, sha256] = await together(
    signal,
    (stop) => write(place, { file, source: request.source(stop) }, stop),
    (stop) => readBack(file, { ...request, sealing }, stop),
  );
  return { path, bytes: file.size, sha256, codec: [request.content, 'zstd', ...sealing.codec] };
}

interface Writing {
  readonly file: GrowingFile;
  readonly source: AsyncIterable<Buffer>;
}

async function write(
  { sealing, zstd, level, onWritten }: ArtifactPlace,
  { file, source }: Writing,
  signal: AbortSignal,
): Promise<void> {
  let told = 0;
  const onBytes = (bytes: number): void => {
    onWritten(bytes - told);
    told = bytes;
  };
  const store = (pieces: AsyncIterable<Buffer>): Promise<void> => storePieces(sealing.seal(pieces), file, onBytes);
  if (zstd === undefined || level <= LIBRARY_LEVEL) await store(compressed(source, level, release));
  else await compressedByProgram({ zstd, level, source, store }, signal);
  await file.finish();
}

interface Compressing {
  readonly zstd: string;
  readonly level: number;
  readonly source: AsyncIterable<Buffer>;
  readonly store: (pieces: AsyncIterable<Buffer>) => Promise<void>;
}

async function compressedByProgram({ zstd, level, source, store }: Compressing, signal: AbortSignal): Promise<void> {
  const args = [`-${level}`, `-T${ZSTD_THREADS}`, '--quiet', '--stdout'];
  await using pipeline = await startPipeline({
    stages: [{ name: 'zstd', file: zstd, args }],
    input: 'written',
    signal,
  });
  const { input, output } = pipeline;
  if (input === undefined) throw new Error('the pipeline has no input');
  await together(
    signal,
    () => feed(input, source, release),
    () => store(piecesOf(output)),
  );
  const ends = await pipeline.ended;
  signal.throwIfAborted();
  checkStages(ends);
}

async function readBack(
  file: GrowingFile,
  { sealing, inspect }: Pick<ArtifactRequest, 'inspect'> & Pick<ArtifactPlace, 'sealing'>,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of file.follow(signal)) {
      hash.update(piece);
      yield piece;
    }
  };
  for await (const piece of decompressed(sealing.unseal(hashed()), release)) {
    inspect(piece);
    release(piece);
  }
  return hash.digest('hex');
}
