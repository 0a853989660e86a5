import { join } from 'node:path';
import { z } from 'zod';
import { listFolder, makeFolder, readIfThere, removeFolder } from '../adapters/files.ts';
import { currentProcess, isGone } from '../adapters/process-owner.ts';
import { writeTextFile } from '../adapters/text-file.ts';
import { kindOfFolder, labelFolder, stagingFolder } from './layout.ts';

const OWNER_FILE = 'owner.json';
const BACKUP_FOLDER = 'backup';
const ownerSchema = z.object({ host: z.string(), bootId: z.string(), pid: z.int(), startTicks: z.int() });

/** Where a backup grows. Disposing removes what was not published. */
export interface Staging extends AsyncDisposable {
  /** Holds the backup's own files and nothing else; publishing moves it away. */
  readonly folder: string;
}

/**
 * Makes a staging folder that says whose it is.
 * @throws MaintError FILE_UNUSABLE, NO_SPACE
 */
export async function openStaging(directory: string, label: string, id: string): Promise<Staging> {
  const staging = stagingFolder(directory, label, id);
  const folder = join(staging, BACKUP_FOLDER);
  await makeFolder(staging);
  writeTextFile(join(staging, OWNER_FILE), `${JSON.stringify(await currentProcess())}\n`);
  await makeFolder(folder);
  return { folder, [Symbol.asyncDispose]: () => removeFolder(staging) };
}

/**
 * Finds what dead runs left behind: staging folders whose owner is gone, and backups that were half removed.
 * @returns absolute paths
 * @throws MaintError FILE_UNUSABLE
 */
export async function findLeftovers(directory: string, label: string): Promise<readonly string[]> {
  const parent = labelFolder(directory, label);
  const folders = ((await listFolder(parent)) ?? []).filter(({ kind }) => kind === 'folder');
  const checked = await Promise.all(
    folders.map(async ({ name }) => ({ path: join(parent, name), isDead: await isDead(parent, name) })),
  );
  return checked.flatMap(({ path, isDead }) => (isDead ? [path] : []));
}

/**
 * Removes what `findLeftovers` finds.
 * @returns the paths that are gone
 */
export async function sweep(directory: string, label: string): Promise<readonly string[]> {
  const leftovers = await findLeftovers(directory, label);
  for (const path of leftovers) await removeFolder(path);
  return leftovers;
}

async function isDead(parent: string, name: string): Promise<boolean> {
  const kind = kindOfFolder(name);
  if (kind !== 'staging') return kind === 'trash';
  const text = await readIfThere(join(parent, name, OWNER_FILE));
  // Unsigned: a run ended right after making the folder, or while removing it.
  if (text === undefined) return true;
  const owner = readOwner(text);
  return owner === undefined || (await isGone(owner));
}

/** Reads who signed a folder. @returns undefined where the words are no owner's: a live run writes them whole, before anything else */
export function readOwner(text: string): z.infer<typeof ownerSchema> | undefined {
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
