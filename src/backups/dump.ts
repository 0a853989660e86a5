import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ClientProgram, ClientPrograms } from '../adapters/client-programs.ts';
import { GrowingFile } from '../adapters/growing-file.ts';
import { release } from '../adapters/memory.ts';
import { checkStages, startPipeline, type Pipeline, type Stage, type StageEnd } from '../adapters/pipeline.ts';
import { compressed, decompressed } from '../adapters/zstd.ts';
import { withWideBuffers } from '../adapters/wide-buffers.ts';
import { MaintError } from '../base/errors.ts';
import { formatDuration } from '../base/units.ts';
import { ForeignArchive } from './archive-header.ts';
import { ArchiveRows, type CountedTable } from './archive-rows.ts';
import { dumpFile } from './layout.ts';
import type { Artifact } from './manifest.ts';
import { schemaSha256 } from './schema-hash.ts';
import type { Sealing } from './sealing.ts';
import { storePieces } from './store-pieces.ts';
import { together } from './together.ts';
import { dumpSessionName } from './yield.ts';

/** What a dump needs. */
export interface DumpRequest {
  /** Where the file goes. */
  readonly folder: string;
  readonly pgDump: ClientProgram;
  /** Absolute path; undefined uses the library of Node.js. */
  readonly zstd: string | undefined;
  /** 1 to 19. */
  readonly level: number;
  readonly sealing: Sealing;
  /** The exported snapshot. */
  readonly snapshotId: string;
  readonly environment: ClientPrograms['environment'];
  /** Told the bytes written so far. */
  readonly onBytes: (bytes: number) => void;
}

/** A dump that was written, flushed, read back and counted. */
export interface Dump {
  readonly artifact: Artifact;
  /** Undefined when the archive is in a form that only pg_restore can read. */
  readonly tables: readonly CountedTable[] | undefined;
  /** Undefined for the same reason. */
  readonly schemaSha256: string | undefined;
  /** Lines that pg_dump wrote to stderr. */
  readonly warnings: readonly string[];
}

/** How long pg_dump waits for a table that someone else has locked. */
const LOCK_WAIT_MS = 60_000;
/** More threads bring nothing: pg_dump is slower than two of them. Their number also bounds the memory. */
const ZSTD_THREADS = 2;

/**
 * Dumps into a file while a second reader already follows it, decodes it and counts the rows of each table.
 * @throws MaintError PROGRAM_FAILED, NO_SPACE, FILE_UNUSABLE; BrokenArchive from the reading back
 */
export async function dump(request: DumpRequest, signal: AbortSignal): Promise<Dump> {
  const { folder, sealing } = request;
  const name = dumpFile(sealing.suffix);
  await using file = await GrowingFile.create(join(folder, name));
  const [warnings, { sha256, contentBytes, ...found }] = await together(
    signal,
    (stop) => write(request, file, stop),
    (stop) => readBack(file, sealing, stop),
  );
  return {
    artifact: {
      path: name,
      bytes: file.size,
      contentBytes,
      sha256,
      codec: ['pg_dump-custom', 'zstd', ...sealing.codec],
    },
    ...found,
    warnings,
  };
}

async function write(request: DumpRequest, file: GrowingFile, signal: AbortSignal): Promise<readonly string[]> {
  await using pipeline = await startPipeline({ stages: await stagesOf(request), input: 'none', signal });
  await storePieces(outputOf(request, pipeline), file, request.onBytes);
  const ends = await pipeline.ended;
  signal.throwIfAborted();
  checkLocks(ends);
  checkStages(ends);
  await file.finish();
  const said = ends.find(({ name }) => name === 'pg_dump')?.stderr ?? '';
  return said.split('\n').filter((line) => line.trim() !== '');
}

/** A table that another session keeps locked is no fault of the dump; pg_dump then says so in its own way. */
function checkLocks(ends: readonly StageEnd[]): void {
  const said = ends.find(({ name }) => name === 'pg_dump')?.stderr ?? '';
  if (!/canceling statement due to (?:lock|statement) timeout/.test(said)) return;
  const tables = /LOCK TABLE (?:ONLY )?(.{1,200}?)(?: IN ACCESS SHARE MODE|,)/.exec(said)?.[1] ?? 'a table';
  throw new MaintError(
    'LOCK_TIMED_OUT',
    `pg_dump waited ${formatDuration(LOCK_WAIT_MS)} in vain for ${tables}, which another session has locked`,
    { detail: 'backup.locked_out' },
  );
}

async function stagesOf({ pgDump, zstd, level, snapshotId, environment }: DumpRequest): Promise<readonly Stage[]> {
  const args = ['--format=custom', '--compress=0', '--no-password', `--lock-wait-timeout=${LOCK_WAIT_MS}`];
  const dumping = await withWideBuffers({
    name: 'pg_dump',
    file: pgDump.path,
    args: [...args, `--snapshot=${snapshotId}`],
    env: { ...environment, PGAPPNAME: dumpSessionName(snapshotId) },
  });
  if (zstd === undefined) return [dumping];
  return [dumping, { name: 'zstd', file: zstd, args: [`-${level}`, `-T${ZSTD_THREADS}`, '--quiet', '--stdout'] }];
}

function outputOf({ zstd, level, sealing }: DumpRequest, { output }: Pipeline): AsyncIterable<Buffer> {
  return sealing.seal(zstd === undefined ? compressed(output, level) : output);
}

/** One hash is enough: what stands on the disk is what counts, and zstd's own checksum binds it to what was written. */
async function readBack(
  file: GrowingFile,
  { unseal }: Sealing,
  signal: AbortSignal,
): Promise<Pick<Dump, 'tables' | 'schemaSha256'> & { readonly sha256: string; readonly contentBytes: number }> {
  const hash = createHash('sha256');
  let contentBytes = 0;
  let rows: ArchiveRows | undefined = new ArchiveRows();
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of file.follow(signal)) {
      hash.update(piece);
      yield piece;
    }
  };
  for await (const piece of decompressed(unseal(hashed()), release)) {
    contentBytes += piece.length;
    try {
      rows?.push(piece);
    } catch (error) {
      if (!(error instanceof ForeignArchive)) throw error;
      rows = undefined;
    }
    // Bytes of the archive's head are still wanted until its end has come.
    if (rows?.isInData === true) release(piece);
  }
  const tables = rows?.finish();
  return { tables, schemaSha256: rows && schemaSha256(rows.objects), sha256: hash.digest('hex'), contentBytes };
}
