import { quotedForShell } from '../base/shell-word.ts';
import type { World } from '../base/world.ts';

/** What to say where the address of the database is known from the environment alone. */
export const NO_ENVIRONMENT =
  'cron does not pass DATABASE_URL on: put the address into a file of mode 0600, and name that in the configuration: ' +
  'database: { url: { file: /etc/maint/database-url } }';

/** What a line of a crontab starts. */
interface CronLineRequest {
  /** `tick`, a tier, or a task with a schedule of its own. */
  readonly round: string;
  /** Five fields. */
  readonly schedule: string;
  /** Absolute path of the configuration; null where there is none. */
  readonly file: string | null;
  /** Absolute path of the state directory, where cron would choose another. */
  readonly state?: string;
}

/** Writes a line for `crontab -e`. Its paths are absolute, for cron starts with a short PATH in a directory of its own. */
export function cronLine(request: CronLineRequest, world: Pick<World, 'process'>): string {
  // In a crontab an unescaped % ends the command.
  return `${request.schedule} ${cronWords(request, world)
    .map(quotedForShell)
    .join(' ')
    .replaceAll('%', String.raw`\%`)}`;
}

/** Program, script and words that start a round from a scheduler. */
export function cronWords(
  { round, file, state }: Omit<CronLineRequest, 'schedule'>,
  { process: { nodePath, scriptPath } }: Pick<World, 'process'>,
): readonly string[] {
  const flags = [...(file === null ? [] : ['--config', file]), ...(state === undefined ? [] : ['--state', state])];
  return [nodePath, scriptPath, round, '--cron', ...flags];
}
