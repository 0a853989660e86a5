import { createHash } from 'node:crypto';
import type { ClientProgram } from '../adapters/client-programs.ts';
import { release } from '../adapters/memory.ts';
import { describeEnd, feed, stageAtFault, startPipeline, type Pipeline, type StageEnd } from '../adapters/pipeline.ts';
import { piecesOf } from '../adapters/pieces.ts';
import { withWideBuffers } from '../adapters/wide-buffers.ts';
import { MaintError } from '../base/errors.ts';
import { ArchiveWatch, type Watched } from './archive-watch.ts';
import { damageOf, type Through } from './opening.ts';
import { BrokenScript, ScriptRows } from './script-rows.ts';
import { sha256Of } from './stored.ts';
import { together } from './together.ts';

/** What decoding a dump needs. It needs no server and no room on the disk. */
export interface DecodeRequest {
  /** Reads the stored dump from front to back, each time it is called. */
  readonly read: () => AsyncIterable<Buffer>;
  /** Opens what is stored; see `libraryOpening`. */
  readonly through: Through;
  readonly pgRestore: ClientProgram;
  /** Told the stored bytes read so far. */
  readonly onBytes: (bytes: number) => void;
}

/** What a dump turned out to hold. */
export interface Decoded {
  readonly sha256: string;
  /** Rows by the table that a COPY loads; undefined when the dump cannot be decoded. */
  readonly rows: ReadonlyMap<string, number> | undefined;
  /** Of its definitions; undefined when it cannot be decoded, or only by pg_restore. */
  readonly schemaSha256: string | undefined;
  /** Why it cannot be decoded, in the words of the program that found out; undefined when it can. */
  readonly fault: string | undefined;
  /** No key opened it, which is no fault as long as the hash is right; undefined where one did. */
  readonly unopened: MaintError | undefined;
}

/**
 * Reads a whole dump once: hashes it, decompresses it, counts the rows, and lets pg_restore parse every block. What only
 * pg_restore can count, because it is newer than maint, is read twice.
 * @throws MaintError when it could not be found out: file unreadable, programs killed, pg_restore too old
 */
export async function decode(request: DecodeRequest, signal: AbortSignal): Promise<Decoded> {
  const { fed, ends, watched } = await readOnce(request, signal);
  const { unopened } = fed;
  const sha256 = fed.sha256 ?? (await sha256Of(request.read()));
  const undecoded = { sha256, rows: undefined, schemaSha256: undefined, unopened };
  if (unopened !== undefined) return { ...undecoded, fault: undefined };
  const fault = fed.damage ?? faultOf(ends);
  if (fault !== undefined) return { ...undecoded, fault };
  const counted = watched.kind === 'foreign' ? await countScript(request, signal) : watched;
  if (counted.kind !== 'counted') return { ...undecoded, fault: faultIn(counted) };
  return { sha256, rows: counted.rows, schemaSha256: counted.schemaSha256, fault, unopened };
}

interface Read {
  readonly fed: Fed;
  readonly ends: readonly StageEnd[];
  readonly watched: Watched;
}

/**
 * What is opened passes through maint, which counts, and on to pg_restore, which judges. The library opens it, for what a
 * program makes of it would have to be carried out of one process and into another twice.
 */
async function readOnce(request: DecodeRequest, signal: AbortSignal): Promise<Read> {
  const watch = new ArchiveWatch();
  await using restoring = await startRestoring(request.pgRestore, ['--file=/dev/null'], signal);
  restoring.output.resume();
  const fed = await feedStored(request, restoring.input, watch);
  const ends = await restoring.ended;
  signal.throwIfAborted();
  return { fed, ends, watched: watch.finish() };
}

async function startRestoring(
  { path }: ClientProgram,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Pipeline> {
  const stage = await withWideBuffers({ name: 'pg_restore', file: path, args });
  return startPipeline({ stages: [stage], input: 'written', signal });
}

interface Fed {
  /** Undefined where decoding ended before the file did. */
  readonly sha256?: string;
  readonly damage?: string;
  readonly unopened?: MaintError;
}

/** Nobody looks at what pg_restore gets. */
const HANDED_ON = { passing: (source: AsyncIterable<Buffer>) => source, usedUp: release };

/** Hashes what is stored, opens it, and writes that into pg_restore. */
async function feedStored(
  { read, through, onBytes }: DecodeRequest,
  stdin: Pipeline['input'],
  { passing, usedUp }: Pick<ArchiveWatch, 'passing' | 'usedUp'> = HANDED_ON,
): Promise<Fed> {
  const input = inputOf(stdin);
  const hash = createHash('sha256');
  let bytes = 0;
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of read()) {
      hash.update(piece);
      onBytes((bytes += piece.length));
      yield piece;
    }
  };
  try {
    await feed(input, passing(through(hashed())), usedUp);
    return { sha256: hash.digest('hex') };
  } catch (error) {
    // Whoever reads what pg_restore makes of it must come to its end.
    input.destroy();
    const damage = damageOf(error);
    if (damage !== undefined) return { damage };
    if (error instanceof MaintError && error.code === 'KEY_MISSING') return { unopened: error };
    throw error;
  }
}

function inputOf(input: Pipeline['input']): NonNullable<Pipeline['input']> {
  if (input === undefined) throw new Error('the pipeline has no input');
  return input;
}

/** Reads the dump again, and counts in the script that pg_restore makes of it. */
async function countScript(request: DecodeRequest, signal: AbortSignal): Promise<Watched> {
  await using pipeline = await startRestoring(request.pgRestore, ['--data-only', '--file=-'], signal);
  const rows = new ScriptRows();
  const [{ damage }] = await together(
    signal,
    () => feedStored(request, pipeline.input),
    async () => {
      for await (const piece of piecesOf(pipeline.output)) rows.push(piece);
    },
  );
  const fault = damage ?? faultOf(await pipeline.ended);
  signal.throwIfAborted();
  if (fault !== undefined) return { kind: 'broken', fault };
  try {
    return { kind: 'counted', rows: rows.finish(), schemaSha256: undefined };
  } catch (error) {
    if (!(error instanceof BrokenScript)) throw error;
    return { kind: 'broken', fault: error.message };
  }
}

function faultIn(watched: Watched): string {
  return watched.kind === 'broken' ? watched.fault : 'its rows cannot be counted';
}

/** Sorts how the programs ended into "the dump is bad", which is an answer, and "it could not be found out", which is an error. */
function faultOf(ends: readonly StageEnd[]): string | undefined {
  const failed = ends.filter(({ exitCode }) => exitCode !== 0);
  const tooOld = failed.find(({ stderr }) => /unsupported version|in file header/.test(stderr));
  if (tooOld !== undefined)
    throw new MaintError('PROGRAM_TOO_OLD', describeEnd(tooOld), {
      hint: 'Install the client package of the version that made the dump.',
    });
  const first = stageAtFault(failed);
  return first && describeEnd(first);
}
