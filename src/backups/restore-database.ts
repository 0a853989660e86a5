import type { ClientPrograms } from '../adapters/client-programs.ts';
import { libpqEnvironment, type Connection } from '../adapters/connection.ts';
import { currentProcess } from '../adapters/process-owner.ts';
import type { SessionLimits } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { checkRestored, type RestoreFinding } from './restore-checks.ts';
import { choosePart, type Choice } from './restore-choice.ts';
import { fillDatabase, type Filled } from './restore-fill.ts';
import { readHead, type ArchiveHead } from './restore-head.ts';
import { describeTables, type RestoredTable } from './restore-bring-back.ts';
import { findUnfinished, markEnded, unfinishedMark, type Unfinished } from './restore-mark.ts';
import { needsOf, type RestoreNeeds } from './restore-needs.ts';
import type { Part } from './restore-part.ts';
import { preflight, type Preflighted } from './restore-preflight.ts';
import { openDatabase, openMaintenance } from './restore-session.ts';
import { createDatabase, createPlaceholders, dropDatabase, type RestoreServer } from './restore-target.ts';
import { openScratch } from './sandbox.ts';
import type { Manifest } from './manifest.ts';
import { storedDump, type StoredArtifact, type StoredBackup } from './stored.ts';

/** A backup, and the new database that it is to become. */
export interface RestoreRequest extends StoredBackup {
  /** What of the backup is wanted. */
  readonly choice: Choice;
  /** A database of the server that gets the new one. */
  readonly connection: Connection;
  readonly limits: SessionLimits;
  readonly clients: ClientPrograms;
  /** Name of the new database. */
  readonly name: string;
  readonly jobs: number;
  readonly keepsOwners: boolean;
  readonly createsRoles: boolean;
  /** Keep what was restored so far when it fails. */
  readonly keepsFailed: boolean;
  readonly scratchParent: string;
  readonly onBytes: (bytes: number) => void;
  readonly onPhase: (phase: 'rows' | 'indexes' | 'checks') => void;
}

/** A restore whose way is clear. Nothing was touched yet. */
export interface PlannedRestore extends RestoreRequest {
  readonly dump: StoredArtifact;
  readonly head: ArchiveHead | undefined;
  /** Undefined where all of it is restored. */
  readonly part: Part | undefined;
  /** What the manifest says of the tables that are restored. */
  readonly tables: Manifest['tables'];
  /** Databases that other restores have begun and not finished. */
  readonly unfinished: readonly Unfinished[];
  readonly needs: RestoreNeeds;
  readonly server: Preflighted;
}

/** How a restore went. */
export interface Restored {
  /** Empty where the new database is as the manifest says. */
  readonly findings: readonly RestoreFinding[];
  /** False where it failed, and was dropped again. */
  readonly isKept: boolean;
  readonly loadSeconds: number;
  readonly indexSeconds: number;
}

/**
 * Looks whether the backup can be restored. Reads only.
 * @throws MaintError that names every obstacle at once
 */
export async function planRestore(request: RestoreRequest, signal: AbortSignal): Promise<PlannedRestore> {
  const dump = storedDump(request, signal);
  const head = await readableHead(dump);
  const { manifest, choice } = request;
  const part = choosePart(choice, manifest, head);
  const needs = needsOf(part?.objects ?? head?.header.objects ?? []);
  await using session = await openMaintenance(request, 'read-only');
  const database = session.within(signal);
  const server = await preflight(database, { ...request, needs, isPart: part !== undefined });
  const unfinished = await findUnfinished(database);
  return { ...request, dump, head, part, tables: tablesOf(manifest, part), needs, server, unfinished };
}

/** @throws MaintError KEY_MISSING that says where a key can come from */
async function readableHead(dump: StoredArtifact): Promise<ArchiveHead | undefined> {
  try {
    return await readHead(dump);
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'KEY_MISSING') throw error;
    throw new MaintError('KEY_MISSING', `${dump.name} cannot be opened: ${error.message}`, {
      hint: 'Name the file of a private key with --identity, or set backups.encryption.identity.',
      cause: error,
      ...(error.detail !== undefined && { detail: error.detail }),
    });
  }
}

function tablesOf({ tables }: Manifest, part: Part | undefined): Manifest['tables'] {
  if (part === undefined) return tables;
  const names = new Set(part.tables);
  return Object.fromEntries(Object.entries(tables).filter(([name]) => names.has(name)));
}

/**
 * Restores into a new database and compares it with the manifest. What failed is dropped again: nobody else knew it.
 * @throws MaintError when it failed for a reason that says nothing about the backup
 */
export async function restoreDatabase(plan: PlannedRestore, signal: AbortSignal): Promise<Restored> {
  const { clients, connection, name, keepsFailed } = plan;
  const server: RestoreServer = { clients, environment: libpqEnvironment(connection) };
  await using maintenance = await openMaintenance(plan, 'read-write');
  await createPlaceholders(maintenance.within(signal), plan.server.roles);
  signal.throwIfAborted();
  await createDatabase(server, {
    name,
    encoding: plan.manifest.server.encoding,
    locale: plan.server.locale,
    comment: unfinishedMark(plan.manifest.id, await currentProcess()),
  });
  let isGood = false;
  try {
    const filled = await fill(plan, server, signal);
    const findings = [...filled.findings, ...(await compare(plan, filled, signal))];
    isGood = findings.length === 0;
    return { ...filled, findings, isKept: isGood || keepsFailed };
  } finally {
    if (isGood || keepsFailed) await markEnded(maintenance, name, isGood);
    else await dropDatabase(server, name);
  }
}

async function fill(plan: PlannedRestore, server: RestoreServer, signal: AbortSignal): Promise<Filled> {
  await using scratch = await openScratch(plan.scratchParent);
  plan.onPhase('rows');
  const request = { ...plan, server, database: plan.name, scratch: scratch.folder };
  // Awaited here, for the folder goes with the end of this function.
  return await fillDatabase({ ...request, onIndexes: () => plan.onPhase('indexes') }, signal);
}

async function compare(plan: PlannedRestore, filled: Filled, signal: AbortSignal): Promise<readonly RestoreFinding[]> {
  if (filled.findings.length > 0) return [];
  plan.onPhase('checks');
  await using session = openDatabase(plan, plan.name, 'read-write');
  const database = session.within(signal);
  await database.run(sql`ANALYZE`);
  return await checkRestored(database, {
    tables: plan.tables,
    isPart: plan.part !== undefined,
    sequences: plan.needs.sequences,
  });
}

/**
 * Describes what a restored part holds, for the way back into the live database.
 * @param live name of the live database; it need not be there
 */
export async function describePart(
  plan: PlannedRestore,
  live: string,
  signal: AbortSignal,
): Promise<readonly RestoredTable[]> {
  if (plan.part === undefined) return [];
  await using restored = openDatabase(plan, plan.name, 'read-only');
  await using other = plan.server.databases.includes(live) ? openDatabase(plan, live, 'read-only') : undefined;
  return await describeTables(restored.within(signal), plan.part.tables, other?.within(signal));
}
