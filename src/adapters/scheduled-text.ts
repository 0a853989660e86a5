import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Where cron looks, below the root of a system. Crontabs of users only root may read. */
const FILES = ['etc/crontab'];
const FOLDERS = [
  'etc/cron.d',
  'etc/cron.hourly',
  'etc/cron.daily',
  'etc/cron.weekly',
  'var/spool/cron/crontabs',
  'var/spool/cron',
];

/** A line that cron would act on, or that a script has which cron starts. */
export interface CronText {
  readonly path: string;
  readonly line: string;
}

/**
 * Everything that cron would start on this host, as far as the current user may see it; comments are left out.
 * @param root `/`, or where a test has put such a tree
 */
export async function cronTexts(root: string): Promise<readonly CronText[]> {
  const inFolders = await Promise.all(
    FOLDERS.map(async (folder) => (await namesIn(join(root, folder))).map((name) => join(root, folder, name))),
  );
  const paths = [...FILES.map((file) => join(root, file)), ...inFolders.flat()];
  return (await Promise.all(paths.map(linesOf))).flat();
}

async function linesOf(path: string): Promise<readonly CronText[]> {
  const text = await readFile(path, 'utf8').catch(nothing);
  const lines = (text ?? '').split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('#'));
  return lines.map((line) => ({ path, line }));
}

/** Names in a folder; none where there is no such folder or nobody lets us in. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  return ((await readdir(folder).catch(nothing)) ?? []).toSorted();
}

/** Is anything there, as far as we may see? */
export async function isVisible(path: string): Promise<boolean> {
  return (await stat(path).catch(nothing)) !== undefined;
}

/** What is closed to us, or is no file, says as little as what is not there. */
function nothing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error) return undefined;
  throw error;
}
