import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ClientProgram } from '../adapters/client-programs.ts';
import type { Snapshot } from '../adapters/postgres.ts';
import { timed } from '../adapters/stopwatch.ts';
import type { Log } from '../base/log.ts';
import { readPieces } from '../adapters/files.ts';
import { findAnomalies, type AnomalySettings } from './anomaly.ts';
import { BrokenArchive } from './archive-rows.ts';
import { readCatalog, type Catalog } from './catalog.ts';
import { readAllReferences, writeCompanions, type CompanionRequest } from './companions.ts';
import { decode } from './decode.ts';
import { dump, type Dump, type DumpRequest } from './dump.ts';
import { backupFolder, makeId } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { damageOf, libraryOpening } from './opening.ts';
import { publish } from './publish.ts';
import { compareDecoded, compareDump, makeManifest, type Comparison } from './record.ts';
import { prepareRepository } from './repository.ts';
import { confirmSnapshot, readSource, type Source } from './source.ts';
import { makeSealing, type Sealing } from './sealing.ts';
import { openOwnSnapshot } from './own-session.ts';
import { openStaging, sweep } from './staging.ts';
import { together } from './together.ts';
import type { RowDifference } from './row-differences.ts';
import { lastReceipt } from './receipts.ts';
import { requireReserve } from './room.ts';
import { watched } from './watch.ts';
import { LockQueue, lookInterval, type Waiter, type YieldSettings } from './yield.ts';

/** What taking a backup needs. */
export interface BackupRequest extends CompanionRequest {
  readonly label: string;
  readonly level: number;
  /** Public keys of age; none leaves the backup unencrypted. */
  readonly recipients: readonly string[];
  readonly pgDump: ClientProgram;
  /** Absolute path; undefined uses the library of Node.js. */
  readonly zstd: string | undefined;
  readonly now: () => Date;
  /** Told the bytes written so far, of the dump and then of what goes beside it. */
  readonly onBytes: (bytes: number) => void;
  readonly log: Log;
  /** What happens when another session waits for the dump. */
  readonly yield: YieldSettings;
  readonly anomalies: AnomalySettings;
  /** The backups that say what is usual. */
  readonly usual: readonly Manifest[];
}

/** How it went. Only a published backup can be seen; of the others nothing is left. */
export type BackupResult =
  | {
      readonly kind: 'published';
      readonly manifest: Manifest;
      readonly folder: string;
      readonly swept: readonly string[];
      /** Who had to wait for the dump for too long. */
      readonly waiters: readonly Waiter[];
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
  const { directory, label, recipients, database, now } = request;
  await prepareRepository(directory, label);
  const swept = await sweep(directory, label);
  const id = makeId(now(), randomBytes(2));
  const sealing = await makeSealing(recipients);
  await using staging = await openStaging(directory, label, id);
  await using snapshot = await openOwnSnapshot(database, {
    statementTimeoutMs: COUNT_TIMEOUT_MS,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
  });
  try {
    const { value, ms } = await timed(() =>
      dumpAndCount({ ...request, sealing, folder: staging.folder }, snapshot, signal),
    );
    const { counted, dumped, waiters } = value;
    const { source } = counted;
    const { tables, differences } = await compare(request, { source, dumped, sealing, folder: staging.folder }, signal);
    if (differences.length > 0) return { kind: 'rows-differ', differences };
    // What comes now may take long, and nobody shall wait for its locks.
    await snapshot[Symbol.asyncDispose]();
    const serverMajor = (await database.server()).major;
    let written = dumped.artifact.bytes;
    const onWritten = (bytes: number): void => request.onBytes((written += bytes));
    const companions = await writeCompanions(
      { ...request, folder: staging.folder, sealing, onWritten },
      { request, facts: { ...counted, name: source.database, serverMajor } },
      signal,
    );
    const taken = makeManifest({
      ...request,
      ...counted,
      id,
      serverMajor,
      snapshotId: snapshot.id,
      companions,
      dump: dumped,
      tables,
      dumpSeconds: ms / 1_000,
      now: now(),
    });
    const receipts = await lastReceipt(directory, label);
    const anomalies = [...findAnomalies(taken, request.usual, request.anomalies)];
    const manifest = { ...taken, anomalies, ...(receipts !== undefined && { receipts }) };
    signal.throwIfAborted();
    const folder = backupFolder(directory, label, id);
    await publish(staging.folder, folder, manifest);
    return { kind: 'published', manifest, folder, swept, waiters };
  } catch (error) {
    const fault = error instanceof BrokenArchive ? error.message : damageOf(error);
    if (fault !== undefined) return { kind: 'unreadable', message: fault };
    throw error;
  }
}

/** Everything that was read in the snapshot of the dump. */
interface Counted {
  readonly source: Source;
  readonly catalog: Catalog;
  readonly references: Awaited<ReturnType<typeof readAllReferences>>;
}

interface DumpedSource {
  readonly counted: Counted;
  readonly dumped: Dump;
  readonly waiters: readonly Waiter[];
}

interface Dumping extends BackupRequest {
  readonly folder: string;
  readonly sealing: Sealing;
}

async function dumpAndCount(request: Dumping, snapshot: Snapshot, signal: AbortSignal): Promise<DumpedSource> {
  const dumping: DumpRequest = {
    ...request,
    snapshotId: snapshot.id,
    environment: request.clients.environment,
  };
  const { database, folder, log } = request;
  const everyMs = lookInterval(request.yield);
  const queue = new LockQueue({ database, snapshot, settings: request.yield, everyMs, log });
  await queue.open();
  const look = async (): Promise<void> => {
    await requireReserve(folder);
    await queue.look();
  };
  const [counted, dumped] = await watched({ everyMs, look }, signal, (stopped) =>
    together(
      stopped,
      (stop) => countUntil(snapshot, request.fileSets, stop),
      (stop) => dump(dumping, stop),
    ),
  );
  // Rows that were counted prove nothing about a dump that had lost the snapshot.
  await confirmSnapshot(snapshot);
  return { counted, dumped, waiters: queue.waiters };
}

/** Counts, and lets go of the server when the dump has failed meanwhile. */
async function countUntil(
  snapshot: Snapshot,
  fileSets: BackupRequest['fileSets'],
  signal: AbortSignal,
): Promise<Counted> {
  const close = (): void => void snapshot[Symbol.asyncDispose]();
  signal.addEventListener('abort', close, { once: true });
  try {
    const catalog = await readCatalog(snapshot);
    const source = await readSource(snapshot);
    return { source, catalog, references: await readAllReferences(snapshot, fileSets) };
  } finally {
    signal.removeEventListener('abort', close);
  }
}

interface Dumped {
  readonly source: Source;
  readonly dumped: Dump;
  readonly folder: string;
  readonly sealing: Sealing;
}

async function compare(request: BackupRequest, facts: Dumped, signal: AbortSignal): Promise<Comparison> {
  const { source, dumped, folder, sealing } = facts;
  if (dumped.tables !== undefined) return compareDump(source, dumped.tables);
  // A pg_dump newer than maint: its pg_restore reads what it wrote, one more pass.
  const pgRestore = await request.clients.find('pg_restore', request.pgDump.major);
  const path = join(folder, dumped.artifact.path);
  const through = await libraryOpening(dumped.artifact.codec, { clients: request.clients, identity: sealing.identity });
  const { rows, fault } = await decode(
    { read: () => readPieces(path), through, pgRestore, onBytes: ignoreBytes },
    signal,
  );
  if (rows === undefined) throw new BrokenArchive(fault ?? 'the archive cannot be decoded');
  return compareDecoded(source, rows);
}

function ignoreBytes(): void {}
