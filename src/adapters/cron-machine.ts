import { accessSync, constants, readFileSync, realpathSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { getuid } from 'node:process';
import { isFile } from './directories.ts';
import { translated } from './files.ts';

/** Name of the current user; the number where the system knows no name. */
export function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    return String(getuid?.() ?? 0);
  }
}

/** The names in /etc/passwd; none where it cannot be read. */
export function userNames(): ReadonlySet<string> {
  return new Set(
    textOf('/etc/passwd')
      .split('\n')
      .flatMap((line) => line.split(':', 1))
      .filter((name) => name !== ''),
  );
}

/** Can the current user start this file? */
export function isProgram(path: string): boolean {
  if (!isFile(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Is there a program that takes mail from cron? */
export function hasMailer(): boolean {
  return ['/usr/sbin/sendmail', '/usr/lib/sendmail', '/usr/bin/sendmail'].some(isProgram);
}

/**
 * The time zone of the machine, by which cron counts: not that of the environment.
 * @see https://www.freedesktop.org/software/systemd/man/latest/localtime.html
 */
export function machineTimezone(): string {
  const [, linked] = /\/zoneinfo\/(?:posix\/)?(.+)$/.exec(realPath('/etc/localtime')) ?? [];
  const name = linked ?? textOf('/etc/timezone').trim();
  return name === '' || /^(Etc\/)?(UTC|UCT|Universal|Zulu)$/.test(name) ? 'UTC' : name;
}

/** The path without symbolic links; the path itself where nothing is there. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/**
 * Who owns a file, and what others may do with it.
 * @throws MaintError FILE_UNUSABLE
 */
export async function fileAccess(path: string): Promise<{ readonly uid: number; readonly mode: number }> {
  const { uid, mode } = await translated(path, () => stat(path));
  return { uid, mode: mode & 0o7777 };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
