import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MaintError } from '../base/errors.ts';
import { runProgram, whichProgram } from './programs.ts';

/** A text that tells cron or systemd what to start when. */
export interface ScheduleText {
  /** `crontab -l`, or the path of the file. */
  readonly origin: string;
  readonly text: string;
}

const FILES = ['/etc/crontab'];
const DIRECTORIES = ['/etc/cron.d', '/etc/systemd/system'];
const TIMEOUT_MS = 10_000;

/**
 * Reads what is scheduled on this machine, as far as the current user may see it: their own crontab, those of the
 * system, and the services of systemd.
 * @param searchPath the PATH of the environment
 * @param home the home directory, for the services of the user; undefined where there is none
 */
export async function scheduleTexts(
  searchPath: string | undefined,
  home: string | undefined,
): Promise<readonly ScheduleText[]> {
  const own = home === undefined ? [] : [join(home, '.config', 'systemd', 'user')];
  const lists = await Promise.all([...DIRECTORIES, ...own].map(filesIn));
  const texts = await Promise.all([...FILES, ...lists.flat()].map(read));
  return [await ownCrontab(searchPath), ...texts].filter((text) => text !== undefined);
}

async function filesIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => !/\.(timer|wants|d)$/.test(name)).map((name) => join(directory, name));
}

/** What cannot be read is not ours to schedule from; the search is a best effort and its answer says so. */
async function read(origin: string): Promise<ScheduleText | undefined> {
  const text = await readFile(origin, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : { origin, text };
}

async function ownCrontab(searchPath: string | undefined): Promise<ScheduleText | undefined> {
  const file = await whichProgram('crontab', searchPath);
  if (file === undefined) return undefined;
  try {
    const { stdout } = await runProgram({ file, args: ['-l'], timeoutMs: TIMEOUT_MS });
    return { origin: 'crontab -l', text: stdout };
  } catch (error) {
    // crontab ends with an error where the user has none.
    if (error instanceof MaintError) return undefined;
    throw error;
  }
}
