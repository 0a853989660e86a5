import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ClientProgram, ClientPrograms } from '../adapters/client-programs.ts';
import type { Database, Snapshot } from '../adapters/postgres.ts';
import { timed } from '../adapters/stopwatch.ts';
import { isDamaged } from '../adapters/zstd.ts';
import { BrokenArchive } from './archive-rows.ts';
import { decode } from './decode.ts';
import { dump, type Dump, type DumpRequest } from './dump.ts';
import { backupFolder, makeId } from './layout.ts';
import type { Manifest, RowDifference } from './manifest.ts';
import { publish } from './publish.ts';
import { compareDecoded, compareDump, makeManifest, type Comparison } from './record.ts';
import { prepareRepository } from './repository.ts';
import { confirmSnapshot, readSource, type Source } from './source.ts';
import { openStaging, sweep } from './staging.ts';
import { together } from './together.ts';

/** What taking a backup needs. */
export interface BackupRequest {
  readonly directory: string;
  readonly label: string;
  readonly level: number;
  readonly pgDump: ClientProgram;
  /** Absolute path; undefined uses the library of Node.js. */
  readonly zstd: string | undefined;
  readonly database: Database;
  readonly clients: ClientPrograms;
  readonly now: () => Date;
  readonly onBytes: (bytes: number) => void;
}

/** How it went. Only a published backup can be seen; of the others nothing is left. */
export type BackupResult =
  | {
      readonly kind: 'published';
      readonly manifest: Manifest;
      readonly folder: string;
      readonly swept: readonly string[];
    }
  | { readonly kind: 'rows-differ'; readonly differences: readonly RowDifference[] }
  | { readonly kind: 'unreadable'; readonly message: string };

/** Counting a large database takes long, and nobody waits for it: the deadline of the step ends it. */
const COUNT_TIMEOUT_MS = 24 * 60 * 60_000;
const LOCK_TIMEOUT_MS = 60_000;

/**
 * Dumps the database, reads the dump back, compares it row for row with what the dump's own snapshot held, and only
 * then makes it visible. Whatever happens before leaves no trace but the repository itself.
 * @throws MaintError when no verified backup could be made
 */
export async function takeBackup(request: BackupRequest, signal: AbortSignal): Promise<BackupResult> {
  const { directory, label, database, now } = request;
  await prepareRepository(directory, label);
  const swept = await sweep(directory, label);
  const id = makeId(now(), randomBytes(2));
  await using staging = await openStaging(directory, label, id);
  await using snapshot = await database.snapshot({
    statementTimeoutMs: COUNT_TIMEOUT_MS,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
  });
  try {
    const { value, ms } = await timed(() => dumpAndCount(request, snapshot, staging.folder, signal));
    const [source, dumped] = value;
    const { tables, differences } = await compare(request, { source, dumped, folder: staging.folder }, signal);
    if (differences.length > 0) return { kind: 'rows-differ', differences };
    const manifest = makeManifest({
      ...request,
      id,
      serverMajor: (await database.server()).major,
      snapshotId: snapshot.id,
      source,
      dump: dumped,
      tables,
      dumpSeconds: ms / 1_000,
      now: now(),
    });
    signal.throwIfAborted();
    const folder = backupFolder(directory, label, id);
    await publish(staging.folder, folder, manifest);
    return { kind: 'published', manifest, folder, swept };
  } catch (error) {
    if (error instanceof BrokenArchive || (error instanceof Error && isDamaged(error)))
      return { kind: 'unreadable', message: error.message };
    throw error;
  }
}

async function dumpAndCount(
  { pgDump, zstd, level, clients, onBytes }: BackupRequest,
  snapshot: Snapshot,
  folder: string,
  signal: AbortSignal,
): Promise<readonly [Source, Dump]> {
  const dumping: DumpRequest = {
    folder,
    pgDump,
    zstd,
    level,
    onBytes,
    snapshotId: snapshot.id,
    environment: clients.environment,
  };
  const both = await together(
    signal,
    (stop) => countUntil(snapshot, stop),
    (stop) => dump(dumping, stop),
  );
  // Rows that were counted prove nothing about a dump that had lost the snapshot.
  await confirmSnapshot(snapshot);
  return both;
}

/** Counts, and lets go of the server when the dump has failed meanwhile. */
async function countUntil(snapshot: Snapshot, signal: AbortSignal): Promise<Source> {
  const close = (): void => void snapshot[Symbol.asyncDispose]();
  signal.addEventListener('abort', close, { once: true });
  try {
    return await readSource(snapshot);
  } finally {
    signal.removeEventListener('abort', close);
  }
}

interface Dumped {
  readonly source: Source;
  readonly dumped: Dump;
  readonly folder: string;
}

async function compare(request: BackupRequest, facts: Dumped, signal: AbortSignal): Promise<Comparison> {
  const { source, dumped, folder } = facts;
  if (dumped.tables !== undefined) return compareDump(source, dumped.tables);
  // A pg_dump newer than maint: its pg_restore reads what it wrote, one more pass.
  const pgRestore = await request.clients.find('pg_restore', request.pgDump.major);
  const path = join(folder, dumped.artifact.path);
  const { rows, fault } = await decode({ path, pgRestore, zstd: request.zstd, onBytes: ignoreBytes }, signal);
  if (rows === undefined) throw new BrokenArchive(fault ?? 'the archive cannot be decoded');
  return compareDecoded(source, rows);
}

function ignoreBytes(): void {}
