import { randomBytes } from 'node:crypto';
import type { ClientPrograms } from '../adapters/client-programs.ts';
import { libpqEnvironment, parseConnection, type Connection } from '../adapters/connection.ts';
import { openSession, type Session } from '../adapters/postgres.ts';
import { currentProcess } from '../adapters/process-owner.ts';
import type { ServerPrograms } from '../adapters/server-programs.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { Manifest } from './manifest.ts';
import { unfinishedMark } from './restore-mark.ts';
import type { RestoreNeeds } from './restore-needs.ts';
import {
  createDatabase,
  createPlaceholders,
  dropDatabase,
  extensionsMissing,
  missingExtensions,
  missingRoles,
} from './restore-target.ts';
import { openSandbox, type Scratch } from './sandbox.ts';

/** An empty database that a backup is tried out in. Disposing removes it. */
export interface Host extends AsyncDisposable {
  readonly connection: Connection;
  readonly major: number;
  /** Where its programs are; undefined where the server is somebody else's. */
  readonly binDirectory: string | undefined;
  /** The roles that were made up. */
  readonly placeholders: readonly string[];
  readonly hasAmcheck: boolean;
}

/** What the backup asks of a server. */
interface HostRequest {
  readonly needs: RestoreNeeds;
  readonly manifest: Manifest;
  readonly clients: ClientPrograms;
}

const LIMITS = { connectTimeoutMs: 30_000, statementTimeoutMs: 24 * 60 * 60_000, lockTimeoutMs: 60_000 };

/** Opens a session on a host, or on another database of its server. */
export function openHost(connection: Connection, mode: 'read-only' | 'read-write'): Session {
  return openSession({ connection, mode, limits: LIMITS, applicationName: 'maint/restore-test' });
}

/**
 * A server of its own, thrown away afterwards: it reaches nobody, and roles are made up as they are needed.
 * @throws MaintError PROGRAM_MISSING, PROGRAM_FAILED, and for extensions that this machine lacks
 */
export async function startOwnHost(
  request: HostRequest,
  { scratch, programs }: { readonly scratch: Scratch; readonly programs: ServerPrograms },
  signal: AbortSignal,
): Promise<Host> {
  const cluster = await openSandbox(scratch, programs.binDirectory);
  try {
    signal.throwIfAborted();
    const connection = (name: string): Connection => parseConnection(new Secret(cluster.url(name)));
    await using session = openHost(connection('postgres'), 'read-write');
    const database = session.within(signal);
    const { major, binDirectory } = programs;
    await requireExtensions(database, request.needs, major);
    const placeholders = await missingRoles(database, request.needs.roles);
    await createPlaceholders(database, placeholders);
    const hasAmcheck = (await missingExtensions(database, ['amcheck'])).length === 0;
    await createIn(request, connection('postgres'), 'restored');
    const dispose = async (): Promise<void> => cluster[Symbol.asyncDispose]();
    return {
      connection: connection('restored'),
      major,
      binDirectory,
      placeholders,
      hasAmcheck,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * A database of its own on a server that is there already, dropped afterwards. Nothing else of that server is touched, so
 * its roles have to be there.
 * @param connection any database of the server
 * @param mayBeSource is it allowed to be the very server that the backup came from?
 * @throws MaintError RESTORE_INCONCLUSIVE where roles are missing or where it is the source, and as `openHost`
 */
export async function openGivenHost(
  request: HostRequest,
  { connection, mayBeSource }: { readonly connection: Connection; readonly mayBeSource: boolean },
  signal: AbortSignal,
): Promise<Host> {
  const { manifest, clients, needs } = request;
  await using session = openHost(connection, 'read-write');
  const database = session.within(signal);
  const { major } = await session.server();
  if (major < manifest.server.major)
    throw new MaintError(
      'PROGRAM_TOO_OLD',
      `the server is PostgreSQL ${major}, the backup is from ${manifest.server.major}`,
    );
  const [control] = await database.rows(systemIdentifier);
  if (!mayBeSource && control?.id === manifest.server.systemIdentifier)
    throw new MaintError('RESTORE_INCONCLUSIVE', `${connection.host} is the server that the backup came from`, {
      hint: 'Name another server, or leave it out for a throw-away one; sameServer: true allows it all the same.',
      detail: 'restore.same_server',
    });
  await requireExtensions(database, needs, major);
  const missing = await missingRoles(database, needs.roles);
  if (missing.length > 0)
    throw new MaintError('RESTORE_INCONCLUSIVE', `${connection.host} lacks the roles ${missing.join(', ')}`, {
      hint: `Create them there without a login, such as: CREATE ROLE "${missing[0] ?? ''}" NOLOGIN`,
      detail: 'restore.roles_missing',
    });
  const name = `maint_rt_${randomBytes(4).toString('hex')}`;
  await createIn(request, connection, name);
  const server = { clients, environment: libpqEnvironment(connection) };
  return {
    connection: { ...connection, database: name },
    major,
    binDirectory: undefined,
    placeholders: [],
    hasAmcheck: false,
    [Symbol.asyncDispose]: () => dropDatabase(server, name),
  };
}

/** Signed while it is filled, so that one that a killed run left is found by the next restore and by doctor. */
async function createIn({ clients, manifest }: HostRequest, connection: Connection, name: string): Promise<void> {
  await createDatabase(
    { clients, environment: libpqEnvironment(connection) },
    {
      name,
      encoding: manifest.server.encoding,
      locale: undefined,
      comment: unfinishedMark(manifest.id, await currentProcess()),
    },
  );
}

async function requireExtensions(
  database: Parameters<typeof missingExtensions>[0],
  { extensions }: RestoreNeeds,
  major: number,
): Promise<void> {
  const missing = await missingExtensions(database, extensions);
  if (missing.length > 0) throw extensionsMissing(missing, major);
}

const systemIdentifier = sql<{ id: string }>`SELECT system_identifier::text AS id FROM pg_control_system()`;
