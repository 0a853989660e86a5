import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readLines, readManifest } from '../../src/retention/segment.ts';

/** Everything that the segments of one rule hold. */
export interface Held {
  /** Each line of each settled segment. */
  readonly lines: readonly string[];
  /** Each line of those that were read back and are not settled yet. */
  readonly pending: readonly string[];
  /** Names of what is not settled. */
  readonly unsettled: readonly string[];
}

/** Reads every segment in the folder of a rule, against its checksum. */
export async function readSegments(folder: string): Promise<Held> {
  const names = await readdir(folder).catch(() => []);
  const unsettled = names.filter((name) => name.endsWith('.partial'));
  const lines: string[] = [];
  const pending: string[] = [];
  for (const name of names) {
    const manifest = await readManifest(join(folder, name));
    const isSettled = !unsettled.includes(name);
    if (manifest !== undefined) (isSettled ? lines : pending).push(...(await readLines(join(folder, name), manifest)));
    else if (isSettled) throw new Error(`${name} has no manifest`);
  }
  return { lines, pending, unsettled };
}
