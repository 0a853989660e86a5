import { createHash } from 'node:crypto';
import type { ClientProgram } from '../adapters/client-programs.ts';
import { release } from '../adapters/memory.ts';
import {
  checkStages,
  describeEnd,
  feed,
  isBrokenPipe,
  startPipeline,
  type Pipeline,
  type StageEnd,
} from '../adapters/pipeline.ts';
import { piecesOf } from '../adapters/pieces.ts';
import { MaintError } from '../base/errors.ts';
import { ArchiveWatch, type Watched } from './archive-watch.ts';
import { damageOf, type Opening } from './opening.ts';
import { BrokenScript, ScriptRows } from './script-rows.ts';
import { sha256Of } from './stored.ts';
import { together } from './together.ts';

/** What decoding a dump needs. It needs no server and no room on the disk. */
export interface DecodeRequest {
  /** Reads the stored dump from front to back, each time it is called. */
  readonly read: () => AsyncIterable<Buffer>;
  readonly opening: Opening;
  readonly pgRestore: ClientProgram;
  /** Told the stored bytes read so far. */
  readonly onBytes: (bytes: number) => void;
}

/** What a dump turned out to hold. */
export interface Decoded {
  readonly sha256: string;
  /** Rows by the table that a COPY loads; undefined when the dump cannot be decoded. */
  readonly rows: ReadonlyMap<string, number> | undefined;
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
  if (unopened !== undefined) return { sha256, rows: undefined, fault: undefined, unopened };
  const fault = fed.damage ?? faultOf(ends);
  const counted = fault === undefined && watched.kind === 'foreign' ? await countScript(request, signal) : watched;
  if (fault !== undefined || counted.kind !== 'counted')
    return { sha256, rows: undefined, fault: fault ?? faultIn(counted), unopened };
  return { sha256, rows: counted.rows, fault, unopened };
}

interface Read {
  readonly fed: Fed;
  readonly ends: readonly StageEnd[];
  readonly watched: Watched;
}

/** What is opened passes through maint, which counts, and on to pg_restore, which judges. */
async function readOnce(request: DecodeRequest, signal: AbortSignal): Promise<Read> {
  const { opening, pgRestore } = request;
  const watch = new ArchiveWatch();
  await using restoring = await startPipeline({
    stages: [{ name: 'pg_restore', file: pgRestore.path, args: ['--file=/dev/null'] }],
    input: 'written',
    signal,
  });
  restoring.output.resume();
  if (opening.stages.length === 0) {
    const fed = await feedStored(request, restoring.input, watch);
    const ends = await restoring.ended;
    signal.throwIfAborted();
    return { fed, ends, watched: watch.finish() };
  }
  await using opened = await startPipeline({ stages: opening.stages, input: 'written', signal });
  const [fed] = await together(
    signal,
    () => feedStored(request, opened.input),
    () => feed(inputOf(restoring.input), watch.passing(piecesOf(opened.output)), watch.usedUp),
  );
  const ends = [...(await opened.ended), ...(await restoring.ended)];
  signal.throwIfAborted();
  return { fed, ends, watched: watch.finish() };
}

interface Fed {
  /** Undefined where decoding ended before the file did. */
  readonly sha256?: string;
  readonly damage?: string;
  readonly unopened?: MaintError;
}

/** Nobody looks at what a program gets. */
const HANDED_ON = { passing: (source: AsyncIterable<Buffer>) => source, usedUp: release };

/** Hashes what is stored, opens of it what maint opens itself, and writes that into a program. */
async function feedStored(
  { read, opening, onBytes }: DecodeRequest,
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
    await feed(input, passing(opening.through(hashed())), usedUp);
    return { sha256: hash.digest('hex') };
  } catch (error) {
    // Whoever reads what the programs make of it must come to its end.
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
  const { opening, pgRestore } = request;
  await using pipeline = await startPipeline({
    stages: [...opening.stages, { name: 'pg_restore', file: pgRestore.path, args: ['--data-only', '--file=-'] }],
    input: 'written',
    signal,
  });
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
    return { kind: 'counted', rows: rows.finish() };
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
  if (failed.some((end) => end.signal !== undefined && !isBrokenPipe(end))) checkStages(failed);
  const [first] = failed.toSorted((a, b) => Number(isBrokenPipe(a)) - Number(isBrokenPipe(b)));
  return first === undefined ? undefined : describeEnd(first);
}
