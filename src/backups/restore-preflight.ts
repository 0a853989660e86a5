import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import type { Manifest } from './manifest.ts';
import type { RestoreNeeds } from './restore-needs.ts';
import { extensionsMissing, missingExtensions, missingRoles } from './restore-target.ts';

/** What is to be restored, and where. */
interface Preflight {
  readonly manifest: Manifest;
  readonly needs: RestoreNeeds;
  /** Name of the database that is to be made. */
  readonly name: string;
  readonly keepsOwners: boolean;
  readonly createsRoles: boolean;
}

/** What a look at the server showed. */
export interface Preflighted {
  /** Roles that have to be made first. */
  readonly roles: readonly string[];
  /** The databases of the server. */
  readonly databases: readonly string[];
  /** As the database that the backup came from has it; undefined where the server has none of that name. */
  readonly locale: { readonly collate: string; readonly ctype: string } | undefined;
}

/** PostgreSQL cuts longer names off, and the rest may be the name of another database. */
const NAME_BYTES = 63;

/**
 * Looks whether a backup can be restored on a server, before anything is touched.
 * @throws MaintError that names every obstacle at once
 */
export async function preflight(database: Reader, request: Preflight): Promise<Preflighted> {
  const { manifest, needs, name, keepsOwners, createsRoles } = request;
  const { major, isStandby } = await database.server();
  const roles = keepsOwners ? await missingRoles(database, needs.roles) : [];
  const extensions = await missingExtensions(database, needs.extensions);
  const databases = await database.rows(knownDatabases);
  const names = databases.map((row) => row.name);
  throwAll([
    ...nameObstacles(name, names),
    ...(isStandby ? [new MaintError('READ_ONLY', 'the server is a standby, and takes no new database')] : []),
    ...(major < manifest.server.major ? [tooOld(major, manifest.server.major)] : []),
    ...(extensions.length > 0 ? [extensionsMissing(extensions, major)] : []),
    ...(roles.length > 0 && !createsRoles ? [rolesMissing(roles)] : []),
  ]);
  return { roles, databases: names, locale: databases.find((row) => row.name === manifest.database) };
}

function nameObstacles(name: string, taken: readonly string[]): readonly MaintError[] {
  if (Buffer.byteLength(name) > NAME_BYTES)
    return [
      new MaintError('USAGE', `the name ${name} is longer than ${NAME_BYTES} bytes`, { hint: 'Take a shorter one.' }),
    ];
  if (!taken.includes(name)) return [];
  const message = `the database ${name} is there already, and a restore never touches one that is`;
  return [
    new MaintError('USAGE', message, {
      hint: 'Name another with --to-database; how to swap the two afterwards is said at the end.',
      detail: 'restore.database_exists',
    }),
  ];
}

function tooOld(major: number, needed: number): MaintError {
  return new MaintError('PROGRAM_TOO_OLD', `the server is PostgreSQL ${major}, the backup is from ${needed}`, {
    hint: `Restore on a server of version ${needed} or newer.`,
    detail: 'restore.server_too_old',
  });
}

function rolesMissing(roles: readonly string[]): MaintError {
  const [noun, verb] = roles.length === 1 ? ['role', 'does'] : ['roles', 'do'];
  return new MaintError('USAGE', `the ${noun} ${roles.join(', ')} ${verb} not exist on the server`, {
    hint: 'Add --create-roles to make them without a login, or --no-owner to leave everything to the role that restores.',
    detail: 'restore.roles_missing',
  });
}

/** One obstacle is itself; several become one error, which the first of them gives its code. */
function throwAll(obstacles: readonly MaintError[]): void {
  const [first] = obstacles;
  if (first === undefined) return;
  if (obstacles.length === 1) throw first;
  throw new MaintError(first.code, obstacles.map(({ message }) => message).join('; '), {
    hint: [...new Set(obstacles.map(({ hint }) => hint))].join(' '),
    ...(first.detail !== undefined && { detail: first.detail }),
  });
}

const knownDatabases = sql<{ name: string; collate: string; ctype: string }>`
  SELECT datname::text AS name, datcollate::text AS collate, datctype::text AS ctype FROM pg_database`;
