import { readFileSync } from 'node:fs';
import { Client, type ClientConfig } from 'pg';
import { MaintError } from '../base/errors.ts';
import { describeConnection, type Connection } from './connection.ts';
import { translatePostgresError } from './postgres-errors.ts';
import { sql, type Statement } from './sql.ts';

/** How long a session may wait and work. One place sets them all. */
export interface SessionLimits {
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
}

/** What is known of the server once a session stands. */
export interface ServerFacts {
  /** Such as 15 or 18. */
  readonly major: number;
  /** Such as 150018. */
  readonly versionNumber: number;
  readonly isStandby: boolean;
  /** True where something between here and the server, such as PgBouncer, hands out its connections. */
  readonly isPooled: boolean;
  /** From opening the socket to the end of the login, in milliseconds. */
  readonly connectMs: number;
}

/** A read-only session: PostgreSQL refuses every write in it (SQLSTATE 25006). Connects at its first use. */
export interface Reader {
  /** `app on db1:5432`, without secrets. */
  readonly name: string;
  /** @throws MaintError when the server cannot be reached or refuses the login */
  server(): Promise<ServerFacts>;
  /**
   * Runs one statement in a transaction of its own, bounded by statement_timeout and lock_timeout.
   * @throws MaintError with the code of what went wrong
   */
  rows<Row extends object>(statement: Statement<Row>): Promise<readonly Row[]>;
}

/** A session that may write, one short transaction per call. */
export interface Database extends Reader {
  /**
   * Runs one statement that changes something, in a transaction of its own.
   * @returns the number of rows it touched
   */
  run(statement: Statement<never>): Promise<number>;
  /** Opens a second session that holds one exported snapshot, for a dump and whatever must agree with it. */
  snapshot(limits: Partial<SessionLimits>): Promise<Snapshot>;
}

/** A repeatable-read, read-only transaction that stays open, so that other sessions can import what it sees. */
export interface Snapshot extends AsyncDisposable {
  /** What `pg_dump --snapshot` takes. */
  readonly id: string;
  rows<Row extends object>(statement: Statement<Row>): Promise<readonly Row[]>;
}

/** A session as its opener sees it: it can also be narrowed to a signal, and closed. */
export interface Session extends Database, AsyncDisposable {
  /** The same session, whose statements are cancelled on the server when the signal aborts. */
  within(signal: AbortSignal): Database;
}

/** How to open a session. */
export interface SessionRequest {
  readonly connection: Connection;
  readonly mode: 'read-only' | 'read-write';
  readonly limits: SessionLimits;
  /** Shown in pg_stat_activity: `maint/health`. */
  readonly applicationName: string;
}

/**
 * Makes a session that connects at its first use and again after its connection was lost.
 * Settings are made with SET LOCAL in each transaction, never for the session, so that they are right behind a
 * connection pooler in transaction mode too.
 */
export function openSession(request: SessionRequest): Session {
  const line = new Line(request);
  const bound = (signal: AbortSignal | undefined): Database => ({
    name: describeConnection(request.connection),
    server: () => line.server(),
    rows: async <Row extends object>(statement: Statement<Row>) => (await line.once(statement, signal)).rows,
    run: async (statement) => (await line.once(statement, signal)).count,
    snapshot: (limits) => openSnapshot({ ...request, limits: { ...request.limits, ...limits } }, signal),
  });
  return { ...bound(undefined), within: bound, [Symbol.asyncDispose]: () => line.close() };
}

interface Answer<Row> {
  readonly rows: readonly Row[];
  readonly count: number;
}

/** One connection, opened when needed, used by one statement at a time. */
class Line {
  readonly #request: SessionRequest;
  #open: { readonly client: Client; readonly facts: ServerFacts } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(request: SessionRequest) {
    this.#request = request;
  }

  async server(): Promise<ServerFacts> {
    return this.#inTurn(async () => (await this.#connected()).facts);
  }

  async once<Row extends object>(statement: Statement<Row>, signal: AbortSignal | undefined): Promise<Answer<Row>> {
    return this.#inTurn(async () => {
      signal?.throwIfAborted();
      const { client } = await this.#connected();
      try {
        return await cancelling(client, this.#request, signal, () =>
          inTransaction<Row>(client, this.#request, statement),
        );
      } catch (error) {
        await this.#recover(client);
        throw translatePostgresError(error, this.#request.connection, false);
      }
    });
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.client.end().catch(ignoreClosed);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #connected(): Promise<{ readonly client: Client; readonly facts: ServerFacts }> {
    this.#open ??= await connect(this.#request, () => {
      this.#open = undefined;
    });
    return this.#open;
  }

  /** After a failed statement the transaction is rolled back; where even that fails the connection is given up. */
  async #recover(client: Client): Promise<void> {
    try {
      await client.query('ROLLBACK');
    } catch {
      this.#open = undefined;
      await client.end().catch(ignoreClosed);
    }
  }
}

/** Once a transaction has a snapshot PostgreSQL no longer lets it turn itself from read-only to read-write. */
const SEALED = '; SELECT 1';

async function inTransaction<Row extends object>(
  client: Client,
  { mode, limits }: SessionRequest,
  { text, values }: Statement<Row>,
): Promise<Answer<Row>> {
  await client.query(
    `BEGIN ${mode === 'read-only' ? 'READ ONLY' : 'READ WRITE'};
     SET LOCAL statement_timeout = ${Math.round(limits.statementTimeoutMs)};
     SET LOCAL lock_timeout = ${Math.round(limits.lockTimeoutMs)};
     SET LOCAL idle_in_transaction_session_timeout = '60s'${mode === 'read-only' ? SEALED : ''}`,
  );
  const result = await client.query<Row>(text, [...values]);
  await client.query('COMMIT');
  return { rows: result.rows, count: result.rowCount ?? 0 };
}

async function openSnapshot(request: SessionRequest, signal: AbortSignal | undefined): Promise<Snapshot> {
  const { client } = await connect({ ...request, mode: 'read-only' }, () => undefined);
  const query = async <Row extends object>({ text, values }: Statement<Row>): Promise<readonly Row[]> => {
    try {
      return await cancelling(client, request, signal, async () => (await client.query<Row>(text, [...values])).rows);
    } catch (error) {
      throw translatePostgresError(error, request.connection, false);
    }
  };
  const close = async (): Promise<void> => client.end().catch(ignoreClosed);
  try {
    await query({
      // The transaction stays open for as long as the dump runs, so it must not be ended for being idle.
      text: `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
             SET LOCAL statement_timeout = ${Math.round(request.limits.statementTimeoutMs)};
             SET LOCAL lock_timeout = ${Math.round(request.limits.lockTimeoutMs)};
             SET LOCAL idle_in_transaction_session_timeout = 0`,
      values: [],
    });
    const [exported] = await query(sql<{ id: string }>`SELECT pg_export_snapshot() AS id`);
    if (exported === undefined) throw new MaintError('STATEMENT_FAILED', 'pg_export_snapshot() returned no row');
    return { id: exported.id, rows: query, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function connect(
  request: SessionRequest,
  onLost: () => void,
): Promise<{ readonly client: Client; readonly facts: ServerFacts }> {
  const { connection } = request;
  const startedAt = performance.now();
  const client = new Client(clientOptions(request));
  client.on('error', onLost);
  try {
    await client.connect();
    const connectMs = performance.now() - startedAt;
    const { rows } = await client.query<{ version: number; standby: boolean; pid: number }>(
      `SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS standby,
              pg_backend_pid() AS pid`,
    );
    const [row] = rows;
    if (row === undefined) throw new MaintError('STATEMENT_FAILED', `${describeConnection(connection)}: no version`);
    const facts = {
      major: Math.floor(row.version / 10_000),
      versionNumber: row.version,
      isStandby: row.standby,
      // A pooler keeps the server's process ids to itself and announces keys of its own.
      isPooled: backendPid(client) !== row.pid,
      connectMs,
    };
    return { client, facts };
  } catch (error) {
    await client.end().catch(ignoreClosed);
    throw translatePostgresError(error, connection, true);
  }
}

function clientOptions({ connection, limits, applicationName }: SessionRequest): ClientConfig {
  return {
    host: connection.host,
    port: connection.port,
    database: connection.database,
    user: connection.user,
    password: connection.password?.reveal(),
    ssl: sslOptions(connection),
    connectionTimeoutMillis: limits.connectTimeoutMs,
    application_name: applicationName,
    keepAlive: true,
  };
}

/** `prefer` and `allow` mean "without, unless asked": the driver cannot fall back, and a plain session is libpq's own last resort. */
function sslOptions({ sslMode, sslRootCert }: Connection): ClientConfig['ssl'] {
  if (sslMode === 'disable' || sslMode === 'allow' || sslMode === 'prefer') return false;
  const authority = sslRootCert === undefined ? {} : { ca: readFileSync(sslRootCert, 'utf8') };
  if (sslMode === 'require' && sslRootCert === undefined) return { rejectUnauthorized: false };
  if (sslMode === 'verify-full') return { rejectUnauthorized: true, ...authority };
  return { rejectUnauthorized: true, ...authority, checkServerIdentity: () => undefined };
}

/** Runs a query; when the signal aborts, a second short connection asks the server to cancel it. */
async function cancelling<T>(
  client: Client,
  request: SessionRequest,
  signal: AbortSignal | undefined,
  query: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return query();
  const cancel = (): void => void cancelBackend(client, request);
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

async function cancelBackend(client: Client, request: SessionRequest): Promise<void> {
  const canceller = new Client(clientOptions({ ...request, applicationName: 'maint/cancel' }));
  canceller.on('error', () => undefined);
  try {
    await canceller.connect();
    await canceller.query('SELECT pg_cancel_backend($1)', [backendPid(client)]);
  } catch {
    // The statement still ends at its statement_timeout; there is nobody to tell about a cancel that did not arrive.
  } finally {
    await canceller.end().catch(ignoreClosed);
  }
}

function backendPid(client: Client): number | null {
  return 'processID' in client && typeof client.processID === 'number' ? client.processID : null;
}

/** Closing a connection that is already gone is no error. */
function ignoreClosed(): void {}
