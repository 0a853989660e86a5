import type { ClientPrograms } from '../adapters/client-programs.ts';
import type { Database, Reader } from '../adapters/postgres.ts';
import { runProgram } from '../adapters/programs.ts';
import { ident, sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { plural } from '../base/units.ts';

/** A server that databases are made on. */
export interface RestoreServer {
  readonly clients: ClientPrograms;
  /** The libpq environment of this server, which need not be the configured one. */
  readonly environment: ClientPrograms['environment'];
}

/** How a new database is made. */
interface NewDatabase {
  readonly name: string;
  readonly encoding: string;
  /** As the database has it that this one may replace; the server's own where undefined. */
  readonly locale: { readonly collate: string; readonly ctype: string } | undefined;
  /** Its comment from the first moment on. */
  readonly comment?: string;
}

const CREATE_TIMEOUT_MS = 5 * 60_000;

/**
 * Makes an empty database.
 * @throws MaintError USAGE where one of that name is there already, PROGRAM_MISSING, PROGRAM_FAILED with what the server
 *   said
 */
export async function createDatabase(
  server: RestoreServer,
  { name, encoding, locale, comment }: NewDatabase,
): Promise<void> {
  const { path } = await server.clients.find('createdb', undefined);
  const locales = locale === undefined ? [] : [`--lc-collate=${locale.collate}`, `--lc-ctype=${locale.ctype}`];
  const words = [name, ...(comment === undefined ? [] : [comment])];
  try {
    await runProgram({
      file: path,
      args: ['--no-password', '--template=template0', `--encoding=${encoding}`, ...locales, '--', ...words],
      env: { ...server.environment, LC_ALL: 'C' },
      timeoutMs: CREATE_TIMEOUT_MS,
    });
  } catch (error) {
    if (error instanceof MaintError && ALREADY_THERE.test(error.message)) throw databaseExists(name, error);
    throw error;
  }
}

/** The second is what the server says when two make the same database in the same moment. */
const ALREADY_THERE = /database ".*" already exists|pg_database_datname_index/;

/** A restore makes its own database and fills no other. */
export function databaseExists(name: string, cause?: unknown): MaintError {
  return new MaintError('USAGE', `the database ${name} is there already, and a restore never touches one that is`, {
    hint: 'Name another with --to-database; how to swap the two afterwards is said at the end.',
    detail: 'restore.database_exists',
    cause,
  });
}

/** Drops a database that a restore made. @throws MaintError PROGRAM_MISSING, PROGRAM_FAILED */
export async function dropDatabase(server: RestoreServer, name: string): Promise<void> {
  const { path } = await server.clients.find('dropdb', undefined);
  await runProgram({
    file: path,
    args: ['--no-password', '--if-exists', '--force', '--', name],
    env: server.environment,
    timeoutMs: CREATE_TIMEOUT_MS,
  });
}

/** Which of these extensions the server does not bring. */
export async function missingExtensions(database: Reader, names: readonly string[]): Promise<readonly string[]> {
  const rows = await database.rows(sql<{ name: string }>`SELECT name::text AS name FROM pg_available_extensions`);
  const there = new Set(rows.map(({ name }) => name));
  return names.filter((name) => !there.has(name));
}

/** Which of these roles the server does not have. */
export async function missingRoles(database: Reader, names: readonly string[]): Promise<readonly string[]> {
  const rows = await database.rows(sql<{ name: string }>`SELECT rolname::text AS name FROM pg_roles`);
  const there = new Set(rows.map(({ name }) => name));
  return names.filter((name) => !there.has(name));
}

/** Makes roles that can own and be granted, and that nobody can log in as. */
export async function createPlaceholders(database: Database, roles: readonly string[]): Promise<void> {
  for (const role of roles) await database.run(sql`CREATE ROLE ${ident(role)} NOLOGIN`);
}

/** Says that this machine, not the backup, is at fault. */
export function extensionsMissing(names: readonly string[], major: number): MaintError {
  const [noun, verb] = names.length === 1 ? ['extension', 'is'] : ['extensions', 'are'];
  const where = `PostgreSQL ${major} on this server`;
  return new MaintError('PROGRAM_MISSING', `the ${noun} ${names.join(', ')} ${verb} not installed for ${where}`, {
    hint: `Install ${plural(names.length, 'package')} such as ${packagesOf(names, major).join(', ')}; the backup itself was not judged.`,
    detail: 'restore.extension_missing',
  });
}

/** Packages whose name does not follow from that of the extension. */
const PACKAGES: Readonly<Record<string, string>> = {
  postgis: 'postgis-3',
  postgis_topology: 'postgis-3',
  postgis_raster: 'postgis-3',
  vector: 'pgvector',
  pg_cron: 'cron',
  pg_partman: 'partman',
  pg_repack: 'repack',
  hypopg: 'hypopg',
};

/** The packages that bring extensions, as Debian and the repository of PostgreSQL name them. */
function packagesOf(extensions: readonly string[], major: number): readonly string[] {
  return [...new Set(extensions.map((name) => `postgresql-${major}-${PACKAGES[name] ?? name.replaceAll('_', '-')}`))];
}
