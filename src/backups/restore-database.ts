import { join } from 'node:path';
import type { ClientPrograms } from '../adapters/client-programs.ts';
import { libpqEnvironment, type Connection } from '../adapters/connection.ts';
import { openSession, type Session, type SessionLimits } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError, type ErrorCode } from '../base/errors.ts';
import { FILES } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { checkRestored, type RestoreFinding } from './restore-checks.ts';
import { fillDatabase, type Filled } from './restore-fill.ts';
import { readHead, type ArchiveHead } from './restore-head.ts';
import { needsOf, type RestoreNeeds } from './restore-needs.ts';
import { preflight, type Preflighted } from './restore-preflight.ts';
import { createDatabase, createPlaceholders, dropDatabase, type RestoreServer } from './restore-target.ts';
import { openScratch } from './sandbox.ts';

/** A backup, and the new database that it is to become. */
export interface RestoreRequest {
  readonly folder: string;
  readonly manifest: Manifest;
  /** The configured database: its server gets the new one. */
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
  readonly head: ArchiveHead | undefined;
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

/** Where one connects to make databases, in this order. */
const MAINTENANCE_DATABASES = ['postgres', 'template1'];
const UNUSABLE: ReadonlySet<ErrorCode> = new Set([
  'DATABASE_NOT_FOUND',
  'DATABASE_LOGIN_REFUSED',
  'PERMISSION_MISSING',
]);

/**
 * Looks whether the backup can be restored. Reads only.
 * @throws MaintError that names every obstacle at once
 */
export async function planRestore(request: RestoreRequest, signal: AbortSignal): Promise<PlannedRestore> {
  const head = await readHead(join(request.folder, FILES.dump));
  const needs = needsOf(head?.header.objects ?? []);
  await using session = await openMaintenance(request, 'read-only');
  const server = await preflight(session.within(signal), { ...request, needs });
  return { ...request, head, needs, server };
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
  await createDatabase(server, { name, encoding: plan.manifest.server.encoding, locale: plan.server.locale });
  let isGood = false;
  try {
    const filled = await fill(plan, server, signal);
    const findings = [...filled.findings, ...(await compare(plan, filled, signal))];
    isGood = findings.length === 0;
    return { ...filled, findings, isKept: isGood || keepsFailed };
  } finally {
    if (!isGood && !keepsFailed) await dropDatabase(server, name);
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
  await using session = open(plan, plan.name, 'read-write');
  const database = session.within(signal);
  await database.run(sql`ANALYZE`);
  return await checkRestored(database, { tables: plan.manifest.tables, sequences: plan.needs.sequences });
}

type Target = Pick<RestoreRequest, 'connection' | 'limits'>;

/**
 * Connects to a database of the server that is not the one in question, which may be gone.
 * @throws MaintError when the server cannot be reached
 */
export async function openMaintenance(target: Target, mode: 'read-only' | 'read-write'): Promise<Session> {
  for (const name of MAINTENANCE_DATABASES) {
    const session = open(target, name, mode);
    try {
      await session.server();
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      if (!(error instanceof MaintError) || !UNUSABLE.has(error.code)) throw error;
    }
  }
  return open(target, target.connection.database, mode);
}

const ANALYZE_TIMEOUT_MS = 24 * 60 * 60_000;

function open({ connection, limits }: Target, database: string, mode: 'read-only' | 'read-write'): Session {
  return openSession({
    connection: { ...connection, database },
    mode,
    limits: { ...limits, statementTimeoutMs: ANALYZE_TIMEOUT_MS },
    applicationName: 'maint/restore',
  });
}
