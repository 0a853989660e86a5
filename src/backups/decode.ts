import { createHash } from 'node:crypto';
import type { ClientProgram } from '../adapters/client-programs.ts';
import { readPieces, sha256OfFile } from '../adapters/files.ts';
import {
  checkStages,
  describeEnd,
  feed,
  isBrokenPipe,
  startPipeline,
  type Pipeline,
  type StageEnd,
} from '../adapters/pipeline.ts';
import { decompressed, isDamaged } from '../adapters/zstd.ts';
import { MaintError } from '../base/errors.ts';
import { BrokenScript, ScriptRows } from './script-rows.ts';
import { together } from './together.ts';

/** What decoding a dump needs. It needs no server, no key and no room on the disk. */
export interface DecodeRequest {
  /** The compressed dump. */
  readonly path: string;
  readonly pgRestore: ClientProgram;
  /** Absolute path; undefined uses the library of Node.js. */
  readonly zstd: string | undefined;
  /** Told the compressed bytes read so far. */
  readonly onBytes: (bytes: number) => void;
}

/** What a dump turned out to hold. */
export interface Decoded {
  readonly sha256: string;
  /** Rows by the table that a COPY loads; undefined when the dump cannot be decoded. */
  readonly rows: ReadonlyMap<string, number> | undefined;
  /** Why it cannot be decoded, in the words of the program that found out; undefined when it can. */
  readonly fault: string | undefined;
}

/**
 * Reads a whole dump once: hashes it, decompresses it, lets pg_restore parse every block, and counts the rows.
 * @throws MaintError when it could not be found out: file unreadable, programs killed, pg_restore too old
 */
export async function decode(request: DecodeRequest, signal: AbortSignal): Promise<Decoded> {
  const { pgRestore, zstd, path } = request;
  await using pipeline = await startPipeline({
    stages: [
      ...(zstd === undefined ? [] : [{ name: 'zstd', file: zstd, args: ['--decompress', '--quiet', '--stdout'] }]),
      { name: 'pg_restore', file: pgRestore.path, args: ['--data-only', '--file=-'] },
    ],
    input: 'written',
    signal,
  });
  const [{ sha256, damage }, counted] = await together(
    signal,
    () => feedDump(request, pipeline),
    () => countRows(pipeline),
  );
  const ends = await pipeline.ended;
  signal.throwIfAborted();
  const fault = damage ?? faultOf(ends) ?? counted.fault;
  return {
    sha256: sha256 ?? (await sha256OfFile(path)),
    rows: fault === undefined ? counted.rows : undefined,
    fault,
  };
}

/** @returns the hash, unless decompressing ended before the file did */
async function feedDump(
  { path, zstd, onBytes }: DecodeRequest,
  { input }: Pipeline,
): Promise<{ readonly sha256?: string; readonly damage?: string }> {
  if (input === undefined) throw new Error('the pipeline has no input');
  const hash = createHash('sha256');
  let bytes = 0;
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of readPieces(path)) {
      hash.update(piece);
      yield piece;
      onBytes((bytes += piece.length));
    }
  };
  try {
    await feed(input, zstd === undefined ? decompressed(hashed()) : hashed());
    return { sha256: hash.digest('hex') };
  } catch (error) {
    if (!isDamaged(error)) throw error;
    input.destroy();
    return { damage: error instanceof Error ? `zstd: ${error.message}` : 'zstd: damaged' };
  }
}

async function countRows({ output }: Pipeline): Promise<Pick<Decoded, 'rows' | 'fault'>> {
  const rows = new ScriptRows();
  for await (const piece of output) rows.push(piece);
  try {
    return { rows: rows.finish(), fault: undefined };
  } catch (error) {
    if (!(error instanceof BrokenScript)) throw error;
    return { rows: undefined, fault: error.message };
  }
}

/** Sorts how the programs ended into "the dump is bad", which is an answer, and "it could not be found out", which is an error. */
function faultOf(ends: readonly StageEnd[]): string | undefined {
  const failed = ends.filter(({ exitCode }) => exitCode !== 0);
  const tooOld = failed.find(({ stderr }) => /unsupported version|in file header/.test(stderr));
  if (tooOld !== undefined)
    throw new MaintError('PROGRAM_TOO_OLD', describeEnd(tooOld), {
      hint: 'Install the client package of the version that made the dump.',
    });
  if (failed.some((end) => end.signal !== undefined && !isBrokenPipe(end))) checkStages(failed);
  const [first] = failed.toSorted((a, b) => Number(isBrokenPipe(a)) - Number(isBrokenPipe(b)));
  return first === undefined ? undefined : describeEnd(first);
}
