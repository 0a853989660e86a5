import { resolve } from 'node:path';
import { chooseStore } from '../backups/choose-store.ts';
import { labelPath, LOCAL } from '../backups/layout.ts';
import { readReceipts, type ReceiptChain } from '../backups/receipts.ts';
import { listBackups, type BackupEntry } from '../backups/repository.ts';
import type { Store } from '../adapters/store.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/read.ts';
import { isMapping } from '../config/tree.ts';
import { tasks } from '../tasks/index.ts';
import type { BackupsPlace } from './backups-invocation.ts';
import { backupPlaces } from './state-directory.ts';

/** The backups of one place, and what is known of them. */
export interface Holding {
  readonly config: Config;
  readonly label: string;
  /** Where the backups and the receipts of this host are; need not be there where a copy is looked at. */
  readonly directory: string;
  /** The place that was asked for. */
  readonly store: Store;
  /** The folder of the label there, for people. */
  readonly where: string;
  /** Newest first. */
  readonly entries: readonly BackupEntry[];
  readonly chain: ReceiptChain;
}

/** A look at backups ends with the process; nothing has to be tidied up. */
export const NEVER = new AbortController().signal;

/** Which place, with every default filled in. */
type Asked = Pick<BackupsPlace, 'directory' | 'common'> & { readonly copy?: string | undefined };

/**
 * Reads the configuration, lists the backups of the place that was asked for, and reads the receipts of this host.
 * @throws MaintError FILE_UNUSABLE where this host has no such directory, USAGE where there is no such copy, and as
 *   `Store.list`: a place that cannot be listed is no empty one
 */
export async function readHolding(asked: Asked, world: World, signal = NEVER): Promise<Holding> {
  const { env, cwd } = world;
  const config = await loadConfig({ env, cwd, configPath: asked.common.config, tasks });
  const directory = directoryOf(asked, config, world);
  const label = config.project;
  const store = await chooseStore({ places: backupPlaces(world, config), directory, copy: asked.copy });
  const entries = await listBackups(store, label, signal);
  const chain = await readReceipts(directory, label, entries);
  return { config, label, directory, store, where: store.locate(labelPath(label)), entries, chain };
}

/** The flag, the place of the task that writes them, the place that all tasks share. */
export function directoryOf({ directory }: Asked, config: Config, world: World): string {
  if (directory !== undefined) return resolve(world.cwd, directory);
  const own = settingOf(config, 'directory');
  return typeof own === 'string' ? resolve(world.cwd, own) : backupPlaces(world, config).directory;
}

/** A setting of the task that takes backups. */
export function settingOf(config: Config, key: 'directory' | 'keep'): unknown {
  const settings = config.tasks.find(({ task }) => task.name === 'backup')?.settings;
  return isMapping(settings) ? settings[key] : undefined;
}

/** Is it the place of this host's own backups? */
export function isLocal({ name }: Store): boolean {
  return name === LOCAL;
}
