import { resolve } from 'node:path';
import { directoryFacts, type DirectoryFacts } from '../../adapters/directory-facts.ts';
import { deviceOf, diskUsage } from '../../adapters/disk.ts';
import type { Reader } from '../../adapters/postgres.ts';
import { sql } from '../../adapters/sql.ts';
import { inspectRepository } from '../../backups/repository.ts';
import { MaintError } from '../../base/errors.ts';
import { formatBytes, formatShare } from '../../base/units.ts';
import type { World } from '../../base/world.ts';
import { quotedForShell } from '../../base/shell-word.ts';
import type { Config } from '../../config/config.ts';
import { backupDirectory } from '../state-directory.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, warn, fail } = verdictsOf('directories');

/** A directory that maint writes to. */
interface Place {
  readonly name: string;
  readonly path: string;
  /** What to say where another path is wanted. */
  readonly moveTo: string;
}

/** Can the state be kept there? */
export async function checkStateDirectory(path: string): Promise<readonly Check[]> {
  return checkPlace({ name: 'state directory', path, moveTo: 'name another with --state or state:' });
}

/** Can backups be kept there? */
export async function checkBackupDirectory(world: World, config: Config): Promise<readonly Check[]> {
  const place = backupPlace(world, config);
  if (place === undefined) return [];
  const usable = await checkPlace(place);
  return usable.some(({ status }) => status === 'fail') ? usable : [...usable, ...(await foreignFiles(place))];
}

/**
 * Does a dump fit there, and does it survive the disk of the database?
 * @param database undefined where it does not answer
 */
export async function checkBackupDisk(
  world: World,
  config: Config,
  database: Reader | undefined,
): Promise<readonly Check[]> {
  const place = backupPlace(world, config);
  if (place === undefined) return [];
  const facts = await directoryFacts(place.path);
  const [server] = (await database?.rows(SERVER_FILES)) ?? [];
  return [...(await beside(place, facts, server)), ...(await room(place, facts, server))];
}

/** @returns undefined where no backups are made */
function backupPlace(world: World, { tasks, backups }: Config): Place | undefined {
  const backup = tasks.find(({ task }) => task.name === 'backup');
  if (backup === undefined) return undefined;
  const { settings } = backup;
  const isNamed = typeof settings === 'object' && settings !== null && 'directory' in settings;
  const own = isNamed && typeof settings.directory === 'string' ? settings.directory : undefined;
  const path = resolve(world.cwd, own ?? backupDirectory(world, backups.directory));
  return { name: 'backup directory', path, moveTo: 'name another as backups.directory' };
}

async function checkPlace(place: Place): Promise<readonly Check[]> {
  const { name, path, moveTo } = place;
  const facts = await directoryFacts(path);
  const shown = quotedForShell(path);
  if (facts.obstacle !== undefined)
    return [
      fail(name, `${path} cannot be ${facts.exists ? 'used' : 'made'}: ${facts.obstacle}`, [
        `sudo install -d -m 0700 -o "$(id -un)" ${shown}`,
        `Or ${moveTo}.`,
      ]),
    ];
  const mode = facts.mode ?? 0o700;
  if ((mode & 0o077) !== 0)
    return [warn(name, `${path} is open to other users (mode ${mode.toString(8)})`, [`chmod 700 ${shown}`])];
  const { freeBytes } = await diskUsage(facts.nearest);
  return [ok(name, `${path}${facts.exists ? '' : ' can be made'}, ${formatBytes(freeBytes)} free`)];
}

async function foreignFiles({ name, path, moveTo }: Place): Promise<readonly Check[]> {
  try {
    await inspectRepository(path);
    return [];
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return [fail(name, error.message, [`Move away what lies in ${quotedForShell(path)}, or ${moveTo}.`])];
  }
}

/** A disk that dies takes the database and its backups together; one that fills up stops both. */
async function beside(
  { path, moveTo }: Place,
  facts: DirectoryFacts,
  server: ServerFiles | undefined,
): Promise<readonly Check[]> {
  const device = await visibleDevice(server?.directory ?? undefined);
  if (device !== facts.device) return [];
  return [
    warn('backup disk', `${path} lies on the same disk as the database: one broken disk takes both`, [
      `Mount another disk or a network share, and ${moveTo}.`,
    ]),
  ];
}

async function visibleDevice(directory: string | undefined): Promise<number | undefined> {
  if (directory === undefined) return undefined;
  try {
    return await deviceOf(directory);
  } catch (error) {
    // Its own parent is closed to other users on most systems, or it lies in a container.
    if (error instanceof MaintError && error.code === 'FILE_UNUSABLE') return undefined;
    throw error;
  }
}

/** Above this share a disk is about to stop something. */
const FULL_SHARE = 0.9;

async function room(
  { moveTo }: Place,
  facts: DirectoryFacts,
  server: ServerFiles | undefined,
): Promise<readonly Check[]> {
  const { freeBytes, usedShare } = await diskUsage(facts.nearest);
  const sizeBytes = server?.sizeBytes ?? 0;
  const fix = [`df -h ${quotedForShell(facts.nearest)}`, `Free some space, or ${moveTo}.`];
  if (freeBytes < sizeBytes)
    return [warn('backup disk', `${formatBytes(freeBytes)} free for a database of ${formatBytes(sizeBytes)}`, fix)];
  if (usedShare < FULL_SHARE) return [];
  return [warn('backup disk', `${formatShare(usedShare)} full, ${formatBytes(freeBytes)} free`, fix)];
}

/** What the server tells of its own files. */
interface ServerFiles {
  readonly sizeBytes: number;
  /** Null where the server is on another host, or the role may not know. */
  readonly directory: string | null;
}

// Both addresses are null over a Unix socket, and equal over a connection inside one machine.
const SERVER_FILES = sql<ServerFiles>`
  SELECT pg_database_size(current_database())::float8 AS "sizeBytes",
         CASE WHEN inet_server_addr() IS NOT DISTINCT FROM inet_client_addr()
               AND pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')
              THEN current_setting('data_directory') END AS directory`;
