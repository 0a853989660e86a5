import { resolve } from 'node:path';
import { parseConnection, type Connection } from '../adapters/connection.ts';
import { readIfThere } from '../adapters/files.ts';
import { openFolderStore } from '../adapters/folder-store.ts';
import type { Store } from '../adapters/store.ts';
import { chooseStore } from '../backups/choose-store.ts';
import { LOCAL } from '../backups/layout.ts';
import { MaintError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { World } from '../base/world.ts';
import { requireDatabase, type Config } from '../config/config.ts';
import { directoryOf } from './backups-holding.ts';
import type { RestoreInvocation, RestoreTarget } from './restore-invocation.ts';

/** Every place that backups of this project lie in, the own host first; a directory that is not there does not answer. */
export function storesOf(
  invocation: Pick<RestoreInvocation, 'directory' | 'common'>,
  config: Config,
  world: World,
): readonly Store[] {
  const own = openFolderStore(LOCAL, directoryOf(invocation, config, world));
  return [own, ...config.backups.copies.map((copy) => copy.open())];
}

/**
 * The place that a person named; the backups of this host where nobody did.
 * @throws MaintError as `chooseStore`
 */
export async function storeOf(
  invocation: Pick<RestoreInvocation, 'directory' | 'copy' | 'common'>,
  config: Config,
  world: World,
): Promise<Store> {
  const directory = directoryOf(invocation, config, world);
  return chooseStore({ places: config.backups, directory, copy: invocation.copy });
}

/** Is it another server than the configured one? */
export function isElsewhere({ to, toEnv }: RestoreTarget): boolean {
  return to !== undefined || toEnv !== undefined;
}

/**
 * A database of the server that is restored onto.
 * @throws MaintError CONFIG_INVALID where the URL cannot be read, SECRET_UNAVAILABLE where the variable is not set,
 *   CONFIG_NOT_FOUND where no server is named anywhere
 */
export function targetOf({ to, toEnv }: RestoreTarget, config: Config, world: World): Connection {
  if (to !== undefined) return parseConnection(new Secret(to));
  if (toEnv === undefined) return requireDatabase(config);
  const url = world.env[toEnv];
  if (url === undefined || url === '')
    throw new MaintError('SECRET_UNAVAILABLE', `the environment variable ${toEnv} is not set`, {
      hint: `Put the URL of the server into it: ${toEnv}=postgres://role:password@host/postgres`,
    });
  return parseConnection(new Secret(url));
}

/**
 * The keys that open encrypted backups.
 * @throws MaintError FILE_UNUSABLE, SECRET_UNAVAILABLE where the file is missing or empty
 */
export async function identityOf(
  { identity }: Pick<RestoreInvocation, 'identity'>,
  config: Config,
  world: World,
): Promise<Secret | undefined> {
  if (identity === undefined) return config.backups.identity;
  const path = resolve(world.cwd, identity);
  const text = await readIfThere(path);
  if (text === undefined || text.trim() === '')
    throw new MaintError('SECRET_UNAVAILABLE', `${path} is ${text === undefined ? 'not there' : 'empty'}`, {
      hint: 'Name the file that age-keygen wrote with --identity.',
    });
  return new Secret(text);
}
