import { dirname, join } from 'node:path';
import type { ClientPrograms } from '../adapters/client-programs.ts';
import type { Cluster } from '../adapters/cluster.ts';
import { libpqEnvironment, parseConnection } from '../adapters/connection.ts';
import { isFile } from '../adapters/directories.ts';
import { openSession, type Database } from '../adapters/postgres.ts';
import { findServerPrograms, type ServerPrograms } from '../adapters/server-programs.ts';
import { timed } from '../adapters/stopwatch.ts';
import { MaintError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { FILES } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { amcheck } from './restore-amcheck.ts';
import { checkAssertions, type Assertion } from './restore-assertions.ts';
import { checkRestored, type RestoreFinding } from './restore-checks.ts';
import { fillDatabase, type Filled } from './restore-fill.ts';
import { readHead } from './restore-head.ts';
import { needsOf, type RestoreNeeds } from './restore-needs.ts';
import {
  createDatabase,
  createPlaceholders,
  extensionsMissing,
  missingExtensions,
  missingRoles,
  type RestoreServer,
} from './restore-target.ts';
import { openSandbox, openScratch } from './sandbox.ts';

/** A backup, and what a restore test asks of it. */
export interface RehearsalRequest {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly clients: ClientPrograms;
  /** Where the throw-away cluster is made. */
  readonly scratchParent: string;
  readonly jobs: number;
  readonly assertions: readonly Assertion[];
  /** Look into each page and index too, where the server programs bring pg_amcheck. */
  readonly withAmcheck: boolean;
  readonly onBytes: (bytes: number) => void;
}

/** What a restore test found, and how long each part took. */
export interface Rehearsal {
  readonly findings: readonly RestoreFinding[];
  /** By phase; their sum is the recovery time. */
  readonly seconds: {
    readonly cluster: number;
    readonly load: number;
    readonly indexes: number;
    readonly checks: number;
  };
  /** Major version of the server that it was restored into. */
  readonly serverMajor: number;
  /** Roles that had to be made up, because a dump of one database holds none. */
  readonly placeholders: readonly string[];
  /** Was every page and index looked at? */
  readonly isAmchecked: boolean;
}

const DATABASE = 'restored';
const LIMITS = { connectTimeoutMs: 30_000, statementTimeoutMs: 24 * 60 * 60_000, lockTimeoutMs: 60_000 };

/**
 * Restores a backup into a throw-away cluster of its own and questions it. Nothing of it is left afterwards.
 * @throws MaintError when it could not be found out: no server programs, a missing extension, no room
 */
export async function rehearse(request: RehearsalRequest, signal: AbortSignal): Promise<Rehearsal> {
  const { clients, manifest } = request;
  const programs = await serverFor(clients, manifest.server.major);
  await using scratch = await openScratch(request.scratchParent);
  const started = await timed(() => openSandbox(scratch, programs.binDirectory));
  await using cluster = started.value;
  signal.throwIfAborted();
  const head = await readHead(join(request.folder, FILES.dump));
  const needs = needsOf(head?.header.objects ?? []);
  const prepared = await timed(() => prepare(cluster, { needs, manifest, clients, major: programs.major }, signal));
  const server: RestoreServer = { clients, environment: environmentOf(cluster, 'postgres') };
  const filled = await fillDatabase(
    { ...request, server, database: DATABASE, head, keepsOwners: true, scratch: scratch.folder },
    signal,
  );
  const isAmchecked =
    request.withAmcheck && prepared.value.hasAmcheck && isFile(join(programs.binDirectory, 'pg_amcheck'));
  const checked = await timed(() => question({ request, cluster, needs, filled }, signal));
  const deep = await timed(() =>
    isAmchecked && filled.findings.length === 0
      ? amcheck(join(programs.binDirectory, 'pg_amcheck'), environmentOf(cluster, DATABASE), signal)
      : noFindings(),
  );
  return {
    findings: [...filled.findings, ...checked.value, ...deep.value],
    seconds: {
      cluster: (started.ms + prepared.ms) / 1_000,
      load: filled.loadSeconds,
      indexes: filled.indexSeconds,
      checks: (checked.ms + deep.ms) / 1_000,
    },
    serverMajor: programs.major,
    placeholders: prepared.value.roles,
    isAmchecked,
  };
}

async function noFindings(): Promise<readonly RestoreFinding[]> {
  return [];
}

/**
 * The server programs of the version that the backup came from, else of the next newer one.
 * @throws MaintError PROGRAM_MISSING, PROGRAM_TOO_OLD
 */
async function serverFor(clients: ClientPrograms, major: number): Promise<ServerPrograms> {
  const initdb = await clients.locate('initdb');
  const found = await findServerPrograms(initdb === undefined ? undefined : dirname(initdb));
  const fitting = found.toSorted((a, b) => a.major - b.major).find((programs) => programs.major >= major);
  if (fitting !== undefined) return fitting;
  const [newest] = found;
  const hint = `Install the package postgresql-${major}, or name its directory in programs.directories; the server need not run.`;
  if (newest === undefined)
    throw new MaintError('PROGRAM_MISSING', 'no server programs of PostgreSQL (initdb) were found', { hint });
  throw new MaintError(
    'PROGRAM_TOO_OLD',
    `the backup is from PostgreSQL ${major}, the newest server programs here are ${newest.major}`,
    { hint },
  );
}

interface Preparing {
  readonly needs: RestoreNeeds;
  readonly manifest: Manifest;
  readonly clients: ClientPrograms;
  readonly major: number;
}

interface Prepared {
  /** The roles that were made up. */
  readonly roles: readonly string[];
  readonly hasAmcheck: boolean;
}

async function prepare(
  cluster: Cluster,
  { needs, manifest, clients, major }: Preparing,
  signal: AbortSignal,
): Promise<Prepared> {
  await using session = openSession(sessionOf(cluster, 'postgres', 'read-write'));
  const database = session.within(signal);
  const missing = await missingExtensions(database, needs.extensions);
  if (missing.length > 0) throw extensionsMissing(missing, major);
  const roles = await missingRoles(database, needs.roles);
  await createPlaceholders(database, roles);
  const server = { clients, environment: environmentOf(cluster, 'postgres') };
  await createDatabase(server, { name: DATABASE, encoding: manifest.server.encoding, locale: undefined });
  return { roles, hasAmcheck: (await missingExtensions(database, ['amcheck'])).length === 0 };
}

interface Questioned {
  readonly request: RehearsalRequest;
  readonly cluster: Cluster;
  readonly needs: RestoreNeeds;
  readonly filled: Filled;
}

/** A database that was not filled to its end has no answers worth having. */
async function question(
  { request, cluster, needs, filled }: Questioned,
  signal: AbortSignal,
): Promise<readonly RestoreFinding[]> {
  if (filled.findings.some(({ detail }) => detail === 'restore.load_failed')) return [];
  await using session = openSession(sessionOf(cluster, DATABASE, 'read-only'));
  const database: Database = session.within(signal);
  const { tables } = request.manifest;
  return [
    ...(await checkRestored(database, { tables, sequences: needs.sequences })),
    ...(await checkAssertions(database, request.assertions)),
  ];
}

function sessionOf(
  cluster: Cluster,
  name: string,
  mode: 'read-only' | 'read-write',
): Parameters<typeof openSession>[0] {
  const connection = parseConnection(new Secret(cluster.url(name)));
  return { connection, mode, limits: LIMITS, applicationName: 'maint/restore-test' };
}

function environmentOf(cluster: Cluster, name: string): ClientPrograms['environment'] {
  return libpqEnvironment(parseConnection(new Secret(cluster.url(name))));
}
