import { join } from 'node:path';
import type { ClientPrograms } from '../adapters/client-programs.ts';
import { diskUsage } from '../adapters/disk.ts';
import { describeEnd, stageAtFault, startPipeline } from '../adapters/pipeline.ts';
import { openScratchFile, spareMemoryBytes } from '../adapters/scratch.ts';
import { MaintError } from '../base/errors.ts';
import { feedDump } from './feed-dump.ts';
import { dumpOf, type Manifest } from './manifest.ts';
import { openingOf } from './opening.ts';
import type { ArchiveHead } from './restore-head.ts';
import type { StoredArtifact } from './stored.ts';
import { together } from './together.ts';

/** A dump that lies unpacked in the scratch folder, where pg_restore can seek in it. */
export interface Unpacked {
  readonly path: string;
  /** Of the stored dump, in the same pass. */
  readonly sha256: string;
  /** Why it could not be unpacked; undefined where it could. */
  readonly fault: string | undefined;
}

/** A dump that is being unpacked. Disposing stops that, and waits until it has stopped. */
export interface Unpacking extends AsyncDisposable {
  /** Rejects with MaintError where the failure says nothing about the dump. Undefined where it is better not unpacked. */
  readonly ended: Promise<Unpacked | undefined>;
}

interface UnpackRequest {
  readonly clients: ClientPrograms;
  readonly dump: StoredArtifact;
  readonly head: ArchiveHead | undefined;
  readonly manifest: Manifest;
  /** A private folder on the disk that the restored database grows on too. */
  readonly scratch: string;
  /** How many tables may be loaded at the same time. */
  readonly jobs: number;
}

/** Begins to unpack a dump where that is worth it, so that a server can be started meanwhile. */
export function beginUnpacking(request: UnpackRequest, signal: AbortSignal): Unpacking {
  const stop = new AbortController();
  const ended = unpack(request, AbortSignal.any([signal, stop.signal]));
  const settled = ended.then(ignore, ignore);
  return {
    ended,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await settled;
    },
  };
}

/** What is known before a dump is unpacked, in bytes. */
interface Room {
  readonly jobs: number;
  /** Major version of the program that would load it. */
  readonly pgRestoreMajor: number;
  /** Of the dump once it is unpacked; undefined where it is not known. */
  readonly dumpBytes: number | undefined;
  /** Of the database that it came from; undefined where it is not known. */
  readonly databaseBytes: number | undefined;
  readonly freeBytes: number;
  readonly memoryBytes: number;
}

/**
 * Older ones want the places of the tables written in the file, which a dump that went through a pipe does not have.
 * @see https://www.postgresql.org/docs/release/12.4/ (the fix)
 */
const LEAST_MAJOR = 13;
/** Loaded sooner than unpacked. */
const LEAST_BYTES = 32 * 2 ** 20;
/** A restored database sorts for its indexes, and writes ahead of everything. */
const SPARE = 1.2;

/**
 * Is a dump loaded sooner from a file? pg_restore then reads several tables of it at the same time, each decompressed once,
 * and skips the write-ahead log. What does not fit into half of the memory that is to spare would go through the disk twice
 * more, and the database needs its room beside it.
 * @see https://www.postgresql.org/docs/current/populate.html#POPULATE-COPY-FROM
 */
export function isWorthUnpacking(room: Room): boolean {
  const { jobs, pgRestoreMajor, dumpBytes, databaseBytes, freeBytes, memoryBytes } = room;
  if (jobs < 2 || pgRestoreMajor < LEAST_MAJOR || dumpBytes === undefined || databaseBytes === undefined) return false;
  const needed = dumpBytes + databaseBytes * SPARE;
  return dumpBytes >= LEAST_BYTES && dumpBytes <= memoryBytes / 2 && needed <= freeBytes;
}

async function unpack(request: UnpackRequest, signal: AbortSignal): Promise<Unpacked | undefined> {
  const { clients, dump, head, manifest, scratch, jobs } = request;
  const pgRestore = await clients.find('pg_restore', manifest.tools.pgDumpMajor);
  const room = {
    jobs,
    pgRestoreMajor: pgRestore.major,
    dumpBytes: dumpOf(manifest)?.contentBytes,
    databaseBytes: manifest.server.sizeBytes,
    freeBytes: (await diskUsage(scratch)).freeBytes,
    memoryBytes: spareMemoryBytes(),
  };
  if (head === undefined || !isWorthUnpacking(room)) return undefined;
  const opening = await openingOf(dump.codec, dump.keys);
  // Encrypted or not, where no program decompresses maint is busy enough with a stream.
  if (opening.stages.length === 0) return undefined;
  const path = join(scratch, 'unpacked.dump');
  using output = await openScratchFile(path);
  await using pipeline = await startPipeline({ stages: opening.stages, input: 'written', output: output.file, signal });
  const [{ sha256, damage }, ends] = await together(
    signal,
    () => feedDump({ read: dump.read, opening, onBytes: ignore }, pipeline),
    () => pipeline.ended,
  );
  signal.throwIfAborted();
  const failed = stageAtFault(ends);
  if (failed !== undefined && /no space left/i.test(failed.stderr)) throw full(scratch);
  return { path, sha256, fault: damage ?? (failed && describeEnd(failed)) };
}

function full(scratch: string): MaintError {
  return new MaintError('FILE_UNUSABLE', `no space is left in ${scratch} to unpack the dump`, {
    hint: 'Free some space there, or name another folder with tasks.restore-test.scratch.',
    detail: 'restore.no_space',
  });
}

function ignore(): void {}
