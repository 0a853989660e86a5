import { MaintError } from '../base/errors.ts';
import { runProgram, runProgramForBytes, whichProgram } from './programs.ts';

/** The crontab of the current user, behind the program `crontab`. Bytes, for it can be in any encoding. */
export interface UserCrontab {
  /**
   * @returns undefined where the user has none
   * @throws MaintError PROGRAM_FAILED where the user may not have one
   */
  read(): Promise<Buffer | undefined>;
  /**
   * Replaces it; nothing at all removes it. Reads it back.
   * @throws MaintError PROGRAM_FAILED where cron refuses it, or something else is there afterwards
   */
  write(content: Buffer): Promise<void>;
}

const TIMEOUT_MS = 20_000;
/** What it says is asked for below. */
const ENV = { LC_ALL: 'C' };

/**
 * @param searchPath the PATH of the environment
 * @throws MaintError PROGRAM_MISSING
 */
export async function userCrontab(searchPath: string | undefined): Promise<UserCrontab> {
  const file = await whichProgram('crontab', searchPath);
  if (file === undefined)
    throw new MaintError('PROGRAM_MISSING', 'the program crontab was not found', {
      hint: 'Install the package cron (cronie on Fedora and Arch), or take `maint cron print --format systemd`.',
    });
  const read = async (): Promise<Buffer | undefined> => {
    const listed = await list(file);
    return listed === undefined || !isEscaped(listed) ? listed : readByEditor(file);
  };
  return {
    read,
    async write(content) {
      const args = content.length === 0 ? ['-r'] : ['-'];
      if (content.length > 0 || (await list(file)) !== undefined)
        await runProgram({ file, args, input: content, env: ENV, timeoutMs: TIMEOUT_MS });
      const kept = (await read()) ?? Buffer.alloc(0);
      if (!kept.equals(content))
        throw new MaintError('PROGRAM_FAILED', 'crontab -l does not show what was written', {
          hint: 'Look at it with `crontab -l`; someone else may have changed it at the same moment.',
        });
    },
  };
}

/**
 * Does its cron start the lines below `CRON_TZ=Europe/Berlin` by the time of Berlin? cronie does, Debian's does not.
 * @param searchPath the PATH of the environment
 */
export async function honoursCronTimezone(searchPath: string | undefined): Promise<boolean> {
  const file = await whichProgram('crontab', searchPath);
  if (file === undefined) return false;
  try {
    const { stdout, stderr } = await runProgram({ file, args: ['-V'], env: ENV, timeoutMs: TIMEOUT_MS });
    return /cronie/i.test(stdout + stderr);
  } catch (error) {
    // Every other crontab refuses the flag.
    if (error instanceof MaintError) return false;
    throw error;
  }
}

async function list(file: string): Promise<Buffer | undefined> {
  try {
    return await runProgramForBytes({ file, args: ['-l'], env: ENV, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    const isNone = error instanceof MaintError && /no crontab for|can't open .*no such file/i.test(error.message);
    if (isNone) return undefined;
    throw error;
  }
}

/** Debian's `crontab -l` writes a carriage return and a backspace as a backslash and a letter. */
function isEscaped(listed: Buffer): boolean {
  return listed.includes(String.raw`\r`) || listed.includes(String.raw`\b`);
}

/** An editor is handed the file itself; one that only prints it changes nothing. */
async function readByEditor(file: string): Promise<Buffer> {
  const env = { ...ENV, EDITOR: 'cat', VISUAL: 'cat' };
  return runProgramForBytes({ file, args: ['-e'], env, timeoutMs: TIMEOUT_MS });
}
