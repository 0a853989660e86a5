import { join, resolve } from 'node:path';
import { isWritableDirectory } from '../adapters/directories.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import type { BackupPlaces } from '../engine/backup-places.ts';
import type { CommonFlags } from './invocation.ts';

const SYSTEM_DIRECTORY = '/var/lib';

/**
 * Where journal and log of a project live: `--state`, MAINT_STATE_DIR, `state:` of the configuration, `/var/lib/maint`
 * where it can be used, else the XDG state directory; below it one folder per project.
 * @returns an absolute path, which need not exist yet
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function stateDirectory(
  world: World,
  common: CommonFlags,
  { stateDirectory: configured, project }: { readonly stateDirectory: string | undefined; readonly project: string },
): string {
  const named = common.state ?? world.env['MAINT_STATE_DIR'] ?? configured;
  return join(named === undefined ? usualDirectory(world) : resolve(world.cwd, named), project);
}

/**
 * Where backups are kept when a task names no place of its own: `backups.directory` of the configuration,
 * `/var/backups/maint` for root, else the XDG data directory.
 */
export function backupPlaces(world: World, { backups }: Pick<Config, 'backups'>): BackupPlaces {
  return { ...backups, directory: backupDirectory(world, backups.directory) };
}

/** As `backupPlaces`, where the directory is all that matters. */
export function backupDirectory(world: World, configured: string | undefined): string {
  if (configured !== undefined) return configured;
  if (world.process.uid === 0) return '/var/backups/maint';
  return join(world.env['XDG_DATA_HOME'] ?? join(home(world), '.local', 'share'), 'maint');
}

function usualDirectory(world: World): string {
  const system = join(SYSTEM_DIRECTORY, 'maint');
  if (isWritableDirectory(system) || (world.process.uid === 0 && isWritableDirectory(SYSTEM_DIRECTORY))) return system;
  return join(world.env['XDG_STATE_HOME'] ?? join(home(world), '.local', 'state'), 'maint');
}

/** cron and systemd always set HOME; where nobody did, the working directory is at least a place that the log names. */
function home(world: World): string {
  return world.env['HOME'] ?? world.cwd;
}
