import { resolve } from 'node:path';
import { isFile } from '../adapters/directories.ts';
import { writeTextFile } from '../adapters/text-file.ts';
import { MaintError } from '../base/errors.ts';
import { printableLines, redacted } from '../base/printable.ts';
import type { World } from '../base/world.ts';
import { quotedForShell } from '../base/shell-word.ts';
import { loadConfig } from '../config/read.ts';
import { TIERS, type Tier } from '../engine/task.ts';
import { tasks } from '../tasks/index.ts';
import { cronLine, NO_ENVIRONMENT } from './cron-line.ts';
import { configText } from './init/config-text.ts';
import { lookAround, type Surroundings } from './init/look-around.ts';
import type { CommonFlags } from './invocation.ts';

interface InitInvocation {
  /** `maint.yaml` in the working directory where left out. */
  readonly output: string | undefined;
  readonly force: boolean;
  readonly common: CommonFlags;
}

/**
 * `maint init`: looks at the database and the machine, and writes a commented configuration that works as it is. Asks
 * nothing. The file holds no secret: it names the variable of the environment instead.
 * @returns 0
 * @throws MaintError USAGE when the file is there already, FILE_UNUSABLE when it cannot be written
 */
export async function initCommand({ output, force, common }: InitInvocation, world: World): Promise<number> {
  const file = resolve(world.cwd, output ?? 'maint.yaml');
  if (isFile(file) && !force)
    throw new MaintError('USAGE', `the file ${file} is there already`, {
      hint: 'Add --force to write over it, or name another file with --output.',
    });
  const found = await lookAround(world, common);
  writeTextFile(file, configText(found));
  await prove(file, world);
  world.stdout.write(answer(file, found, world));
  return 0;
}

/** Stands in for a DATABASE_URL that is not set, or wrong: the file can be right all the same. */
const DATABASE_URL = 'postgres://user@localhost/name';

/** A file that maint itself does not understand must be known now, not tonight. */
async function prove(file: string, { env, cwd }: World): Promise<void> {
  await loadConfig({ env: { ...env, DATABASE_URL }, cwd, configPath: file, tasks });
}

function answer(file: string, found: Surroundings, world: World): string {
  const config = quotedForShell(file);
  const crontab = usedTiers().map((tier) => cronLine({ round: tier, schedule: found.schedule[tier], file }, world));
  const lines = [
    `wrote ${file}`,
    `  project   ${found.project}`,
    `  database  ${found.database ?? 'unknown'}`,
    `  backups   ${found.backupDirectory}`,
    `  disks     ${found.disks.join(', ')}`,
    ...found.unseen.map((each) => `could not look at ${each}`),
    'Read it, then:',
    ...(world.env['DATABASE_URL'] ? [] : ['  export DATABASE_URL=postgres://user:password@host:5432/name']),
    `  maint doctor --config ${config}`,
    `  maint daily --dry-run --config ${config}`,
    '  crontab -e    and add:',
    ...crontab.map((line) => `      ${line}`),
    NO_ENVIRONMENT,
  ];
  return `${lines.map((line) => printableLines(redacted(line))).join('\n')}\n`;
}

/** Tiers that have something to do unless someone moves tasks to others. */
function usedTiers(): readonly Tier[] {
  return TIERS.filter((each) => tasks.some(({ tier }) => tier === each));
}
