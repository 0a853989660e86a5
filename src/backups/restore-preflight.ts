import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import type { Manifest } from './manifest.ts';
import type { RestoreNeeds } from './restore-needs.ts';
import { lookForRoom } from './restore-room.ts';
import { localeFor, type Locale } from './restore-locale.ts';
import { databaseExists, extensionsMissing, missingExtensions, missingRoles } from './restore-target.ts';

/** What is to be restored, and where. */
interface Preflight {
  readonly manifest: Manifest;
  readonly needs: RestoreNeeds;
  /** Name of the database that is to be made. */
  readonly name: string;
  readonly keepsOwners: boolean;
  readonly createsRoles: boolean;
  /** Only some of it is restored. */
  readonly isPart: boolean;
}

/** What a look at the server showed. */
export interface Preflighted {
  /** Roles that have to be made first. */
  readonly roles: readonly string[];
  /** What is worth knowing and in nobody's way, one line each. */
  readonly notices: readonly string[];
  /** The databases of the server. */
  readonly databases: readonly string[];
  /** Undefined leaves it to the server. */
  readonly locale: Locale | undefined;
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
  const room = await lookForRoom(database, manifest, request.isPart);
  throwAll([
    ...(await rightObstacles(database)),
    ...room.obstacles,
    ...nameObstacles(name, names),
    ...(isStandby ? [new MaintError('READ_ONLY', 'the server is a standby, and takes no new database')] : []),
    ...(major < manifest.server.major ? [tooOld(major, manifest.server.major)] : []),
    ...(extensions.length > 0 ? [extensionsMissing(extensions, major)] : []),
    ...(roles.length > 0 && !createsRoles ? [rolesMissing(roles)] : []),
  ]);
  const { locale, notices } = localeFor(manifest, databases, await database.rows(knownLocales));
  return { roles, databases: names, locale, notices: [...room.notices, ...notices] };
}

async function rightObstacles(database: Reader): Promise<readonly MaintError[]> {
  const [role] = await database.rows(ownRight);
  if (role?.mayCreate !== false) return [];
  const message = `the role ${role.name} may not make databases`;
  return [
    new MaintError('PERMISSION_MISSING', message, {
      hint: `As a superuser: ALTER ROLE "${role.name.replaceAll('"', '""')}" CREATEDB`,
    }),
  ];
}

function nameObstacles(name: string, taken: readonly string[]): readonly MaintError[] {
  if (Buffer.byteLength(name) > NAME_BYTES)
    return [
      new MaintError('USAGE', `the name ${name} is longer than ${NAME_BYTES} bytes`, { hint: 'Take a shorter one.' }),
    ];
  if (!taken.includes(name)) return [];
  return [databaseExists(name)];
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

const ownRight = sql<{ name: string; mayCreate: boolean }>`
  SELECT rolname::text AS name, rolcreatedb OR rolsuper AS "mayCreate" FROM pg_roles WHERE rolname = current_user`;

const knownLocales = sql<{ name: string }>`
  SELECT DISTINCT collcollate::text AS name FROM pg_collation WHERE collcollate IS NOT NULL`;

const knownDatabases = sql<{ name: string; collate: string; ctype: string }>`
  SELECT datname::text AS name, datcollate::text AS collate, datctype::text AS ctype FROM pg_database`;
