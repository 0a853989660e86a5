import { createHash } from 'node:crypto';
import type { ClientProgram, ClientPrograms } from '../adapters/client-programs.ts';
import { readPieces } from '../adapters/files.ts';
import {
  checkStages,
  describeEnd,
  feed,
  isBrokenPipe,
  startPipeline,
  type Pipeline,
  type Stage,
  type StageEnd,
} from '../adapters/pipeline.ts';
import { decompressed, isDamaged } from '../adapters/zstd.ts';
import { firstError, throwIfUnfit } from './restore-unfit.ts';
import { together } from './together.ts';

/** Where a dump goes, and with what. */
export interface LoadTarget {
  readonly pgRestore: ClientProgram;
  /** The libpq environment of the server. */
  readonly environment: ClientPrograms['environment'];
  readonly database: string;
  /** False leaves everything to the role that restores. */
  readonly keepsOwners: boolean;
}

interface DataRequest extends LoadTarget {
  /** The compressed dump. */
  readonly path: string;
  /** Absolute path; undefined uses the library of Node.js. */
  readonly zstd: string | undefined;
  /** False loads everything in one pass, for an archive whose head cannot be read on its own. */
  readonly isFirstOfTwo: boolean;
  /** Told the compressed bytes read so far. */
  readonly onBytes: (bytes: number) => void;
}

/** What a load said of the dump. */
interface Loaded {
  /** Of the compressed dump, in the same pass. */
  readonly sha256: string;
  /** Why it could not be loaded, in the words of the program; undefined where it could. */
  readonly fault: string | undefined;
}

/**
 * Streams a dump into an empty database, through programs that hand on to each other: definitions and rows. Nothing is
 * written to a disk on the way.
 * @throws MaintError when the failure says nothing about the dump: no room, no extension, no server
 */
export async function loadData(request: DataRequest, signal: AbortSignal): Promise<Loaded> {
  const { zstd, isFirstOfTwo } = request;
  const sections = isFirstOfTwo ? ['--section=pre-data', '--section=data'] : [];
  await using pipeline = await startPipeline({
    stages: [
      ...(zstd === undefined ? [] : [{ name: 'zstd', file: zstd, args: ['--decompress', '--quiet', '--stdout'] }]),
      restoring(request, sections),
    ],
    input: 'written',
    signal,
  });
  pipeline.output.resume();
  const [{ sha256, damage }, ends] = await together(
    signal,
    () => feedDump(request, pipeline),
    () => pipeline.ended,
  );
  signal.throwIfAborted();
  const fault = faultOf(ends, request);
  return { sha256, fault: damage ?? fault };
}

/**
 * Builds what comes after the rows, several at a time: indexes, constraints, triggers, materialized views. They stand in
 * the head of the archive, which pg_restore can seek in.
 * @param headPath a file with the head of the archive
 * @returns why it could not be done; undefined where it could
 * @throws MaintError as `loadData`
 */
export async function buildIndexes(
  target: LoadTarget & { readonly headPath: string; readonly jobs: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const args = [`--jobs=${target.jobs}`, '--section=post-data'];
  await using pipeline = await startPipeline({
    stages: [restoring(target, args, target.headPath)],
    input: 'none',
    signal,
  });
  pipeline.output.resume();
  const ends = await pipeline.ended;
  signal.throwIfAborted();
  return faultOf(ends, target);
}

/** A restored copy must not subscribe to anything, and tablespaces are those of another machine. */
function restoring(target: LoadTarget, args: readonly string[], path?: string): Stage {
  return {
    name: 'pg_restore',
    file: target.pgRestore.path,
    args: [
      '--exit-on-error',
      '--no-password',
      '--no-tablespaces',
      '--no-subscriptions',
      '--no-publications',
      ...(target.keepsOwners ? [] : ['--no-owner', '--no-privileges']),
      ...args,
      `--dbname=${conninfo(target.database)}`,
      ...(path === undefined ? [] : [path]),
    ],
    env: { ...target.environment, PGAPPNAME: 'maint/restore' },
  };
}

/** A name that looks like a connection string must not be taken for one. */
function conninfo(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** @returns the hash of the whole file, also where decompressing ended early */
async function feedDump(
  { path, zstd, onBytes }: DataRequest,
  { input }: Pipeline,
): Promise<{ readonly sha256: string; readonly damage?: string }> {
  if (input === undefined) throw new Error('the pipeline has no input');
  const hash = createHash('sha256');
  let bytes = 0;
  const pieces = readPieces(path);
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
      hash.update(next.value);
      yield next.value;
      onBytes((bytes += next.value.length));
    }
  };
  try {
    await feed(input, zstd === undefined ? decompressed(hashed()) : hashed());
    return { sha256: hash.digest('hex') };
  } catch (error) {
    if (!isDamaged(error)) throw error;
    input.destroy();
    for await (const piece of pieces) hash.update(piece);
    const said = error instanceof Error ? error.message : 'damaged';
    return { sha256: hash.digest('hex'), damage: `zstd: ${said}` };
  }
}

function faultOf(ends: readonly StageEnd[], { database }: LoadTarget): string | undefined {
  const failed = ends.filter(({ exitCode }) => exitCode !== 0);
  if (failed.some((end) => end.signal !== undefined && !isBrokenPipe(end))) checkStages(failed);
  for (const { name, stderr } of failed) if (name === 'pg_restore') throwIfUnfit(stderr, database);
  const [first] = failed.toSorted((a, b) => Number(isBrokenPipe(a)) - Number(isBrokenPipe(b)));
  if (first === undefined) return undefined;
  return first.name === 'pg_restore' && first.stderr !== '' ? firstError(first.stderr) : describeEnd(first);
}
