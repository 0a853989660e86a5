import type { Command } from 'commander';
import { COMMANDS } from './command-list.ts';
import { addCommand, addExample, type Building } from './commands.ts';
import { numberOption, valueOption } from './options.ts';
import { readCommon, readFormat } from './read.ts';
import { usage } from './usage.ts';

const JOBS = { minimum: 1, maximum: 64, isWhole: true };

interface RestoreFlags {
  readonly toDatabase?: string;
  readonly jobs?: number;
  readonly directory?: string;
  readonly createRoles?: boolean;
  readonly owner: boolean;
  readonly keep?: boolean;
  readonly swap?: boolean;
  readonly confirm?: string;
  readonly dryRun?: boolean;
}

/** `maint restore [backup]`. */
export function addRestore(program: Command, building: Building): void {
  addCommand(program, building, {
    ...COMMANDS.restore,
    fill(command) {
      addFlags(command);
      addExample(command, building, [
        'maint restore latest --to-database app_check',
        'the newest backup, beside the live one',
      ]);
      command.action((backup: string | undefined, flags: RestoreFlags) => {
        const { swap = false, confirm, createRoles = false, keep = false, dryRun = false } = flags;
        if (swap !== (confirm !== undefined))
          throw usage(
            '--swap and --confirm belong together',
            'Write --swap --confirm NAME, with the name of the live database.',
          );
        const { toDatabase, jobs, directory, owner } = flags;
        building.accept({
          kind: 'restore',
          backup: backup ?? 'latest',
          toDatabase,
          jobs,
          directory,
          createRoles,
          owner,
          keep,
          swap,
          confirm,
          dryRun,
          format: readFormat(command),
          common: readCommon(command),
        });
      });
    },
  });
}

function addFlags(command: Command): void {
  command
    .addOption(valueOption('--to-database <name>', 'name of the new database'))
    .addOption(valueOption('--directory <dir>', 'where the backups are'))
    .addOption(numberOption('--jobs <n>', 'indexes built at the same time; one per processor where left out', JOBS))
    .option('--create-roles', 'make roles that are missing, without a login')
    .option('--no-owner', 'leave everything to the role that restores')
    .option('--keep', 'keep what was restored so far when it fails')
    .option('--swap', 'give it the name of the live database, which keeps its rows under another name')
    .addOption(valueOption('--confirm <name>', 'the name of the live database, for --swap'))
    .option('--dry-run', 'look and say what would be done, change nothing')
    .option('--json', 'print one JSON document');
}
