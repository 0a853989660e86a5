import type { Command } from 'commander';
import { addCommand, addExample, type Building } from './commands.ts';
import { SCHEDULERS, type Scheduler } from './cron-invocation.ts';
import { choiceOption, numberOption, valueOption } from './options.ts';
import { readCommon, readFormat } from './read.ts';

const BELOW = 'Commands:';
const COUNT = { minimum: 1, maximum: 10_000, isWhole: true };

/** `maint cron print | install | uninstall | lint | simulate`. */
export function fillCron(cron: Command, building: Building): void {
  addExample(cron, building, ['maint cron install --dry-run', 'what would change in your crontab']);
  addPrint(cron, building);
  addInstall(cron, building);
  addUninstall(cron, building);
  addLint(cron, building);
  addSimulate(cron, building);
}

function addPrint(cron: Command, building: Building): void {
  addCommand(cron, building, {
    name: 'print',
    group: BELOW,
    summary: 'Print what starts the rounds, for a scheduler of your choice',
    fill(command) {
      const option = choiceOption('--format <scheduler>', 'what to write for', SCHEDULERS).default('crontab');
      addExample(command.addOption(option), building, ['maint cron print --format systemd', 'as systemd units']);
      command.action(({ format }: { readonly format: Scheduler }) =>
        building.accept({ kind: 'cron-print', scheduler: format, common: readCommon(command) }),
      );
    },
  });
}

interface ChangeFlags {
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

function addInstall(cron: Command, building: Building): void {
  addCommand(cron, building, {
    name: 'install',
    group: BELOW,
    summary: 'Put the rounds into your crontab, and touch nothing else in it',
    fill(command) {
      command
        .option('--dry-run', 'show what would change, and change nothing')
        .option('--force', 'write over a block that was edited by hand');
      addExample(command, building, ['maint cron install --dry-run', 'what would change']);
      command.action(({ dryRun = false, force = false }: ChangeFlags) =>
        building.accept({ kind: 'cron-install', dryRun, force, common: readCommon(command) }),
      );
    },
  });
}

function addUninstall(cron: Command, building: Building): void {
  addCommand(cron, building, {
    name: 'uninstall',
    group: BELOW,
    summary: 'Take the rounds out of your crontab again',
    fill(command) {
      command
        .option('--dry-run', 'show what would change, and change nothing')
        .option('--force', 'take out a block that was edited by hand, too');
      addExample(command, building, ['maint cron uninstall --dry-run', 'what would change']);
      command.action(({ dryRun = false, force = false }: ChangeFlags) =>
        building.accept({ kind: 'cron-uninstall', dryRun, force, common: readCommon(command) }),
      );
    },
  });
}

function addLint(cron: Command, building: Building): void {
  addCommand(cron, building, {
    name: 'lint [file]',
    group: BELOW,
    summary: 'Name every mistake in a crontab: yours, a file, or - for stdin',
    fill(command) {
      command
        .option('--json', 'print one JSON document')
        .addOption(valueOption('--timezone <zone>', 'by which cron counts; that of this machine where left out'));
      addExample(command, building, ['maint cron lint /etc/cron.d/backup', 'a file of the system']);
      command.action((file: string | undefined, { timezone }: { readonly timezone?: string }) =>
        building.accept({
          kind: 'cron-lint',
          file,
          timezone,
          format: readFormat(command),
          common: readCommon(command),
        }),
      );
    },
  });
}

interface SimulateFlags {
  readonly timezone?: string;
  readonly from?: string;
  readonly to?: string;
  readonly count?: number;
}

function addSimulate(cron: Command, building: Building): void {
  addCommand(cron, building, {
    name: 'simulate <expression>',
    group: BELOW,
    summary: 'Say when a schedule comes, also where the clocks change',
    fill(command) {
      command
        .option('--json', 'print one JSON document')
        .addOption(valueOption('--timezone <zone>', 'by which it counts; that of this machine where left out'))
        .addOption(valueOption('--from <time>', 'from then on, such as 2026-03-28; now where left out'))
        .addOption(valueOption('--to <time>', 'until then').conflicts('count'))
        .addOption(numberOption('--count <n>', 'how many; 10 where left out', COUNT));
      const line = ["maint cron simulate '30 2 * * *' --timezone Europe/Berlin", 'the next ten'] as const;
      addExample(command, building, line);
      command.action((expression: string, { timezone, from, to, count }: SimulateFlags) =>
        building.accept({
          kind: 'cron-simulate',
          expression,
          timezone,
          from,
          to,
          count,
          format: readFormat(command),
          common: readCommon(command),
        }),
      );
    },
  });
}
