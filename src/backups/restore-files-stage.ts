import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { listFolder, makeFolder, removeFolder } from '../adapters/files.ts';
import { readIfThere } from '../adapters/files.ts';
import { currentProcess, isGone } from '../adapters/process-owner.ts';
import { writeTextFile } from '../adapters/text-file.ts';
import { readOwner } from './staging.ts';

/** Where files grow until they are proven. Disposing removes what was not published. */
export interface FilesStage extends AsyncDisposable {
  /** Empty; nobody else writes into it. */
  readonly folder: string;
  /** Leaves what is there when this is disposed. */
  keep(): void;
}

/** What marks a folder as unfinished, whatever stands behind it. */
const MARK = '.maint-restore-';
const OWNER_FILE = 'owner.json';

/**
 * Makes a hidden folder on the disk of the target: inside of it where it exists, else beside the place where it will be.
 * @throws MaintError FILE_UNUSABLE, NO_SPACE
 */
export async function openFilesStage(target: string, exists: boolean): Promise<FilesStage> {
  const { parent, prefix } = placeOf(target, exists);
  const stage = join(parent, `${prefix}${randomBytes(4).toString('hex')}`);
  const folder = join(stage, 'files');
  await makeFolder(stage);
  writeTextFile(join(stage, OWNER_FILE), `${JSON.stringify(await currentProcess())}\n`);
  await makeFolder(folder);
  let isKept = false;
  return {
    folder,
    keep: () => {
      isKept = true;
    },
    [Symbol.asyncDispose]: async () => {
      if (!isKept) await removeFolder(stage);
    },
  };
}

/** Is it one of our own folders, which a target may hold and still be empty? */
export function isFilesStage(name: string): boolean {
  return name.startsWith(MARK);
}

/**
 * Removes what killed restores into the same target have left.
 * @returns the paths that are gone
 * @throws MaintError FILE_UNUSABLE
 */
export async function sweepFilesStages(target: string, exists: boolean): Promise<readonly string[]> {
  const { parent, prefix } = placeOf(target, exists);
  const swept: string[] = [];
  for (const { name, kind } of (await listFolder(parent)) ?? []) {
    if (kind !== 'folder' || !name.startsWith(prefix)) continue;
    const path = join(parent, name);
    const text = await readIfThere(join(path, OWNER_FILE));
    const owner = text === undefined ? undefined : readOwner(text);
    if (owner !== undefined && !(await isGone(owner))) continue;
    await removeFolder(path);
    swept.push(path);
  }
  return swept;
}

/** The name of a target is part of the mark beside it: each sweeps what is its own. */
function placeOf(target: string, exists: boolean): { readonly parent: string; readonly prefix: string } {
  return exists ? { parent: target, prefix: MARK } : { parent: dirname(target), prefix: `${MARK}${basename(target)}-` };
}
