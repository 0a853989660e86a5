import { dirname, join, sep } from 'node:path';
import type { AnchoredFolder } from '../adapters/anchored-folder.ts';
import { isFile } from '../adapters/directories.ts';
import { homeFolders } from '../adapters/homes.ts';
import { systemFolderReason } from './system-folders.ts';

/** Files that tell what a folder is, and that nothing in it may go by a rule about files. */
const MARKS: Readonly<Record<string, string>> = {
  PG_VERSION: 'the data of PostgreSQL',
  'maint-repo.json': 'backups of maint',
  'journal.sqlite': 'the state of maint',
};
/** Where PostgreSQL writes its logs unless told otherwise; the one part of its data directory that rules may clean. */
const POSTGRES_LOGS = ['log', 'pg_log'];

/** What a folder holds that no rule may touch; undefined where nothing tells. */
export function guardOf(folder: AnchoredFolder): string | undefined {
  return Object.entries(MARKS).find(([mark]) => typeof folder.look(mark) !== 'string')?.[1];
}

/**
 * Why a folder is no root for a rule, by what it is on this machine.
 * @param root without links, as it was opened
 * @param backups absolute path of the backups
 * @returns lower case, names what it is; undefined where nothing speaks against it
 */
export async function rootReason(root: string, backups: string): Promise<string | undefined> {
  const bySystem = systemFolderReason(root);
  if (bySystem !== undefined) return bySystem;
  const user = (await homeFolders()).get(root);
  if (user !== undefined) return `is the home of ${user}: name a folder in it`;
  if (root === backups || root.startsWith(backups + sep)) return 'belongs to the backups of maint';
  return guardAbove(root);
}

function guardAbove(root: string): string | undefined {
  for (let [at, below] = [root, '']; at !== dirname(at); [at, below] = [dirname(at), at]) {
    const found = Object.entries(MARKS).find(([mark]) => isFile(join(at, mark)));
    const isLog = found?.[0] === 'PG_VERSION' && POSTGRES_LOGS.some((name) => join(at, name) === below);
    if (found !== undefined && !isLog) return `holds ${found[1]} (${join(at, found[0])})`;
  }
  return undefined;
}
