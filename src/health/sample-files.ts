import { walkTree } from '../adapters/file-tree.ts';
import { Turns } from '../adapters/turns.ts';

/** A folder with more entries than this is sampled from those that come first. */
const MOST_ENTRIES = 200_000;

/**
 * Picks files of a folder and everything below it by chance, each as likely as any other.
 * @param root as `realFolder` gives it
 * @returns paths relative to it
 * @see https://en.wikipedia.org/wiki/Reservoir_sampling
 */
export async function sampleOfFiles(root: string, size: number): Promise<readonly string[]> {
  const picked: string[] = [];
  const turns = new Turns();
  let seen = 0;
  for (const { path, kind } of walkTree({ root, without: '', onFault: () => undefined })) {
    if (turns.isOver) await turns.next();
    if (kind !== 'file') continue;
    seen += 1;
    const place = picked.length < size ? picked.length : Math.floor(Math.random() * seen);
    if (place < size) picked[place] = path;
    if (seen >= MOST_ENTRIES) break;
  }
  return picked;
}
