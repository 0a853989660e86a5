import { MaintError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
/** @see https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION */
type SslMode = (typeof SSL_MODES)[number];

/** Where a database is and who asks for it: the parts of a database URL, the password wrapped. */
export interface Connection {
  /** Host name, address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: Secret | undefined;
  readonly sslMode: SslMode;
  /** Path of the certificate authority's file, for `verify-ca` and `verify-full`. */
  readonly sslRootCert: string | undefined;
}

/**
 * Takes a database URL apart, as libpq reads it.
 * @param url such as `postgres://user:password@host:5432/database?sslmode=require` or `postgres:///db?host=/var/run/postgresql`
 * @throws MaintError CONFIG_INVALID when it is no database URL; the message never repeats the URL, which may hold a password
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */
export function parseConnection(url: Secret): Connection {
  const parsed = parseUrl(url);
  const parameter = (name: string): string | undefined => parsed.searchParams.get(name) ?? undefined;
  const database = decode(parsed.pathname.slice(1)) || parameter('dbname');
  if (!database) throw invalid('the database URL names no database', 'End it with the name: postgres://host/name.');
  const user = decode(parsed.username) || parameter('user');
  if (!user)
    throw invalid('the database URL names no user', 'Write the role before the host: postgres://role@host/name.');
  const password = decode(parsed.password) || parameter('password');
  return {
    host: parameter('host') ?? (decode(parsed.hostname) || 'localhost'),
    port: port(parsed.port || parameter('port')),
    database,
    user,
    password: password ? new Secret(password) : undefined,
    sslMode: sslMode(parameter('sslmode')),
    sslRootCert: parameter('sslrootcert'),
  };
}

/** The database URL of a connection, for programs that take nothing else; it may hold a password. */
export function databaseUrl(connection: Connection): Secret {
  const { host, port, database, user, password, sslMode, sslRootCert } = connection;
  const login = [user, ...(password === undefined ? [] : [password.reveal()])].map(encodeURIComponent).join(':');
  const parameters = new URLSearchParams({ host, port: String(port), sslmode: sslMode });
  if (sslRootCert !== undefined) parameters.set('sslrootcert', sslRootCert);
  return new Secret(`postgres://${login}@/${encodeURIComponent(database)}?${parameters.toString()}`);
}

/** Names a connection without secrets: `app on db1:5432`. */
export function describeConnection({ database, host, port }: Connection): string {
  return `${database} on ${host}:${port}`;
}

/**
 * The environment that makes a libpq program (pg_dump, psql) use this connection.
 * The password travels here and never in argv.
 * @see https://www.postgresql.org/docs/current/libpq-envars.html
 */
export function libpqEnvironment(connection: Connection): Readonly<Record<string, string | Secret>> {
  return {
    PGHOST: connection.host,
    PGPORT: String(connection.port),
    PGDATABASE: connection.database,
    PGUSER: connection.user,
    PGSSLMODE: connection.sslMode,
    PGCONNECT_TIMEOUT: '10',
    ...(connection.password && { PGPASSWORD: connection.password }),
    ...(connection.sslRootCert && { PGSSLROOTCERT: connection.sslRootCert }),
  };
}

function parseUrl(url: Secret): URL {
  const text = url.reveal();
  const fault = invalid(
    'the database URL cannot be read',
    'Write it as postgres://user:password@host:5432/name; special characters in the password are percent-encoded.',
  );
  if (!/^postgres(ql)?:\/\//.test(text)) throw fault;
  // WHATWG URL refuses an empty host with a user before it (postgres://me@/db), which libpq allows.
  const parsed = URL.parse(text.replace(/^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)(?=\/|\?|$)/, '$1localhost'));
  if (parsed === null) throw fault;
  return parsed;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw invalid('the database URL has a broken percent-encoding', 'Encode a % in the password as %25.', cause);
  }
}

function port(text: string | undefined): number {
  const number = Number(text ?? '5432');
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw invalid('the database URL has an unusable port', 'Use a number from 1 to 65535.');
  return number;
}

function sslMode(text: string | undefined): SslMode {
  const mode = SSL_MODES.find((known) => known === (text ?? 'prefer'));
  if (mode === undefined)
    throw invalid(`the database URL has an unknown sslmode "${text ?? ''}"`, `Use one of ${SSL_MODES.join(', ')}.`);
  return mode;
}

function invalid(message: string, hint: string, cause?: unknown): MaintError {
  return new MaintError('CONFIG_INVALID', message, { hint, cause });
}
