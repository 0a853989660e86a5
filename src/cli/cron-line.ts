import type { World } from '../base/world.ts';
import type { Tier } from '../engine/task.ts';

/** What to say where the address of the database is known from the environment alone. */
export const NO_ENVIRONMENT =
  'cron does not pass DATABASE_URL on: put the address into a file of mode 0600, and name that in the configuration: ' +
  'database: { url: { file: /etc/maint/database-url } }';

/** What a line of a crontab starts. */
interface CronLineRequest {
  readonly tier: Tier;
  /** Five fields. */
  readonly schedule: string;
  /** Absolute path of the configuration; null where there is none. */
  readonly file: string | null;
}

/** Writes a line for `crontab -e`. Its paths are absolute, for cron starts with a short PATH in a directory of its own. */
export function cronLine(
  { tier, schedule, file }: CronLineRequest,
  { process: { nodePath, scriptPath } }: World,
): string {
  const words = [nodePath, scriptPath, tier, '--cron', ...(file === null ? [] : ['--config', file])];
  // In a crontab an unescaped % ends the command.
  return `${schedule} ${words
    .map(quotedForShell)
    .join(' ')
    .replaceAll('%', String.raw`\%`)}`;
}

/** Quotes a word for a shell where it needs that. */
export function quotedForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll(`'`, String.raw`'\''`)}'`;
}
