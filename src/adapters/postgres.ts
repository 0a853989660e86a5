import { describeConnection, type Connection } from './connection.ts';
import { PostgresLine } from './postgres-line.ts';
import { openSnapshot } from './postgres-snapshot.ts';
import type { Statement } from './sql.ts';

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

/** Where a server listens, without anything secret. */
export interface DatabaseAddress {
  /** Host name, address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Path of the file with the authority that clients trust. */
  readonly rootCertificate: string | undefined;
}

/** A read-only session: PostgreSQL refuses every write in it (SQLSTATE 25006). Connects at its first use. */
export interface Reader {
  /** `app on db1:5432`, without secrets. */
  readonly name: string;
  /** Where its server listens; undefined where no database is named. */
  readonly address?: DatabaseAddress;
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
  /**
   * Runs several statements in one transaction; rolled back when `work` throws. Only `inside` may be used until it ends.
   * @param limits statement_timeout and lock_timeout where they differ from those of the session
   */
  transaction<T>(limits: Partial<SessionLimits>, work: (inside: Transaction) => Promise<T>): Promise<T>;
  /**
   * Runs one command that PostgreSQL takes outside of transactions only, such as VACUUM. Not behind a connection pooler,
   * which may hand the settings to one server process and the command to another.
   * @returns what the server warned of meanwhile, such as a table that it skipped
   */
  command(statement: Statement<never>, settings: CommandSettings): Promise<readonly string[]>;
  /** Opens a second session that holds one exported snapshot, for a dump and whatever must agree with it. */
  snapshot(limits: Partial<SessionLimits>): Promise<Snapshot>;
}

/** How a command outside of a transaction may work. */
export interface CommandSettings {
  readonly statementTimeoutMs: number;
  /** How long it may wait for a lock; as long as the server lets it where left out. */
  readonly lockTimeoutMs?: number;
  /** How long VACUUM rests after each piece of work; 0 for never. */
  readonly vacuumCostDelayMs?: number;
}

/** The inside of one transaction. Its errors are translated once the transaction is rolled back. */
export interface Transaction {
  rows<Row extends object>(statement: Statement<Row>): Promise<readonly Row[]>;
  /** @returns the number of rows it touched */
  run(statement: Statement<never>): Promise<number>;
}

/** A repeatable-read, read-only transaction that stays open, so that other sessions can import what it sees. */
export interface Snapshot extends AsyncDisposable {
  /** What `pg_dump --snapshot` takes. */
  readonly id: string;
  rows<Row extends object>(statement: Statement<Row>): Promise<readonly Row[]>;
}

/** A session as its opener sees it: it can also be narrowed to a signal, and closed. */
export interface Session extends Database, AsyncDisposable {
  /**
   * The same session, whose statements are cancelled on the server when the signal aborts.
   * @param limits hold where those of the session are wider
   */
  within(signal: AbortSignal, limits?: SessionLimits): Database;
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
  const line = new PostgresLine(request);
  const { host, port, sslRootCert: rootCertificate } = request.connection;
  const bound = (signal: AbortSignal | undefined, limits: SessionLimits): Database => ({
    name: describeConnection(request.connection),
    address: { host, port, rootCertificate },
    server: () => line.server(limits),
    rows: async <Row extends object>(statement: Statement<Row>) => (await line.once(statement, limits, signal)).rows,
    run: async (statement) => (await line.once(statement, limits, signal)).count,
    transaction: (other, work) => line.transaction({ ...limits, ...other }, work, signal),
    command: (statement, settings) => line.command(statement, settings, signal),
    snapshot: (other) => openSnapshot({ ...request, limits: { ...limits, ...other } }, signal),
  });
  return {
    ...bound(undefined, request.limits),
    within: (signal, limits) => bound(signal, narrowest(request.limits, limits)),
    [Symbol.asyncDispose]: () => line.close(),
  };
}

function narrowest(one: SessionLimits, other: SessionLimits = one): SessionLimits {
  return {
    connectTimeoutMs: Math.min(one.connectTimeoutMs, other.connectTimeoutMs),
    statementTimeoutMs: Math.min(one.statementTimeoutMs, other.statementTimeoutMs),
    lockTimeoutMs: Math.min(one.lockTimeoutMs, other.lockTimeoutMs),
  };
}
