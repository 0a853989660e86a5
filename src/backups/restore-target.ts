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
}

const CREATE_TIMEOUT_MS = 5 * 60_000;

/** Makes an empty database. @throws MaintError PROGRAM_MISSING, PROGRAM_FAILED with what the server said */
export async function createDatabase(server: RestoreServer, { name, encoding, locale }: NewDatabase): Promise<void> {
  const { path } = await server.clients.find('createdb', undefined);
  const locales = locale === undefined ? [] : [`--lc-collate=${locale.collate}`, `--lc-ctype=${locale.ctype}`];
  await runProgram({
    file: path,
    args: ['--no-password', '--template=template0', `--encoding=${encoding}`, ...locales, '--', name],
    env: server.environment,
    timeoutMs: CREATE_TIMEOUT_MS,
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
