import { readFileSync } from 'node:fs';
import { Client, type ClientConfig } from 'pg';
import { MaintError } from '../base/errors.ts';
import type { Connection } from './connection.ts';
import { translatePostgresError } from './postgres-errors.ts';
import type { ServerFacts, SessionRequest } from './postgres.ts';

/** An open connection, and what is known of its server. */
export interface Connected {
  readonly client: Client;
  readonly facts: ServerFacts;
}

/**
 * Opens a connection.
 * @param onLost called when it breaks off later
 * @throws MaintError when the server cannot be reached or refuses the login
 */
export async function connect(request: SessionRequest, onLost: () => void): Promise<Connected> {
  const startedAt = performance.now();
  try {
    const client = await login(request, onLost);
    const connectMs = performance.now() - startedAt;
    try {
      return { client, facts: { ...(await look(client)), connectMs } };
    } catch (error) {
      await closeClient(client);
      throw error;
    }
  } catch (error) {
    throw translatePostgresError(error, request.connection, true);
  }
}

async function look(client: Client): Promise<Omit<ServerFacts, 'connectMs'>> {
  const { rows } = await client.query<{ version: number; standby: boolean; pid: number }>(
    `SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS standby,
            pg_backend_pid() AS pid`,
  );
  const [row] = rows;
  if (row === undefined) throw new MaintError('STATEMENT_FAILED', 'the server did not tell its version');
  return {
    major: Math.floor(row.version / 10_000),
    versionNumber: row.version,
    isStandby: row.standby,
    // A pooler keeps the server's process ids to itself and announces keys of its own.
    isPooled: backendPid(client) !== row.pid,
  };
}

/** Closes a connection; one that is already gone is no error. */
export async function closeClient(client: Client): Promise<void> {
  await client.end().catch(() => undefined);
}

/** As libpq does, `prefer` asks for encryption and goes on without where the server has none. */
async function login(request: SessionRequest, onLost: () => void): Promise<Client> {
  const { sslMode, host } = request.connection;
  const isOptional = sslMode === 'prefer' || sslMode === 'allow';
  if (!isOptional || host.startsWith('/')) return loginOnce(request, sslOptions(request.connection), onLost);
  try {
    return await loginOnce(request, { rejectUnauthorized: false }, onLost);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('does not support SSL')) throw error;
    return loginOnce(request, false, onLost);
  }
}

async function loginOnce(request: SessionRequest, ssl: ClientConfig['ssl'], onLost: () => void): Promise<Client> {
  const client = new Client({ ...clientOptions(request), ssl });
  client.on('error', onLost);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await closeClient(client);
    throw error;
  }
}

/** Between the limit that the server keeps and the one that is kept here, for when the network swallows its answer. */
const NETWORK_GRACE_MS = 10_000;

function clientOptions({ connection, limits, applicationName }: SessionRequest): ClientConfig {
  return {
    host: connection.host,
    port: connection.port,
    database: connection.database,
    user: connection.user,
    password: connection.password?.reveal(),
    connectionTimeoutMillis: limits.connectTimeoutMs,
    query_timeout: Math.min(limits.statementTimeoutMs + NETWORK_GRACE_MS, 2 ** 31 - 1),
    application_name: applicationName,
    keepAlive: true,
  };
}

function sslOptions({ sslMode, sslRootCert, host }: Connection): ClientConfig['ssl'] {
  if (sslMode === 'disable' || host.startsWith('/')) return false;
  const authority = sslRootCert === undefined ? {} : { ca: readFileSync(sslRootCert, 'utf8') };
  if (sslMode === 'require' && sslRootCert === undefined) return { rejectUnauthorized: false };
  if (sslMode === 'verify-full') return { rejectUnauthorized: true, ...authority };
  return { rejectUnauthorized: true, ...authority, checkServerIdentity: () => undefined };
}

/** Whose query, and what cancels it. */
interface Cancellable {
  readonly client: Client;
  readonly request: SessionRequest;
  readonly signal: AbortSignal | undefined;
  /** The process at the server that does the work, where that is not the one that the connection was announced with. */
  readonly backend?: () => number | undefined;
}

/** The process that serves a transaction. Behind a pooler it is another one each time. */
export async function servingBackend(client: Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid;
}

/** Runs a query; when the signal aborts, a second short connection asks the server to cancel it. */
export async function cancelling<T>(
  { client, request, signal, backend }: Cancellable,
  query: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return query();
  const cancel = (): void => void cancelBackend(backend?.() ?? backendPid(client), request);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await query();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

async function cancelBackend(pid: number | null, request: SessionRequest): Promise<void> {
  try {
    const canceller = await login({ ...request, applicationName: 'maint/cancel' }, () => undefined);
    await canceller.query('SELECT pg_cancel_backend($1)', [pid]);
    await closeClient(canceller);
  } catch {
    // The statement still ends at its statement_timeout; there is nobody to tell about a cancel that did not arrive.
  }
}

function backendPid(client: Client): number | null {
  return 'processID' in client && typeof client.processID === 'number' ? client.processID : null;
}
