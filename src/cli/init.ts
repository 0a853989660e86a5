import { resolve } from 'node:path';
import { isFile } from '../adapters/directories.ts';
import { writeTextFile } from '../adapters/text-file.ts';
import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { World } from '../base/world.ts';
import { loadConfig } from '../config/read.ts';
import { tasks } from '../tasks/index.ts';
import { cronLine, quotedForShell } from './cron-line.ts';
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

/** Stands in for a DATABASE_URL that is not set yet, so that the rest of the file can be checked. */
const PLACEHOLDER = 'postgres://user@localhost/name';

/** A file that maint itself does not understand must be known now, not tonight. */
async function prove(file: string, { env, cwd }: World): Promise<void> {
  const DATABASE_URL = env['DATABASE_URL'] || PLACEHOLDER;
  await loadConfig({ env: { ...env, DATABASE_URL }, cwd, configPath: file, tasks });
}

function answer(file: string, found: Surroundings, world: World): string {
  const config = quotedForShell(file);
  const variable = world.env['DATABASE_URL'] ? [] : ['DATABASE_URL=postgres://user:password@host:5432/name; export DATABASE_URL'];
  const lines = [
    `wrote ${file}`,
    `  project   ${found.project}`,
    `  database  ${found.database ?? 'unknown'}`,
    `  backups   ${found.backupDirectory}`,
    `  disks     ${found.disks.join(', ')}`,
    ...found.unseen.map((each) => `could not look at ${each}`),
    'Read it, then:',
    ...[...variable, `maint doctor --config ${config}`, `maint daily --dry-run --config ${config}`].map(indented),
    '  crontab -e    and add these lines, for cron passes no environment on:',
    '      DATABASE_URL=postgres://…',
    `      ${cronLine({ tier: 'daily', schedule: found.schedule.daily, file }, world)}`,
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function indented(line: string): string {
  return `  ${line}`;
}
