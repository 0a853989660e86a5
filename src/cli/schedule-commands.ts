import { Option, type Command } from 'commander';
import { parseDuration } from '../base/units.ts';
import { COMMANDS } from './command-list.ts';
import { addCommand, addExample, type Building } from './commands.ts';
import { valueOption } from './options.ts';
import { readCommon, readFormat } from './read.ts';
import { usage } from './usage.ts';

/** `maint tick` and `maint exec`. */
export function addSchedule(program: Command, building: Building): void {
  addTick(program, building);
  addExec(program, building);
}

function addTick(program: Command, building: Building): void {
  addCommand(program, building, {
    ...COMMANDS.tick,
    fill(command) {
      command
        .addOption(new Option('--dry-run', 'say what it would run, change nothing').conflicts('cron'))
        .option('--json', 'print the report of what it looked at as one JSON document')
        .option('--cron', 'for a crontab: print nothing when all is well');
      addExample(command, building, ['maint tick --dry-run', 'what is due now, and what was missed']);
      command.action(({ dryRun = false, cron = false }: { readonly dryRun?: boolean; readonly cron?: boolean }) =>
        building.accept({ kind: 'tick', dryRun, cron, format: readFormat(command), common: readCommon(command) }),
      );
    },
  });
}

interface ExecFlags {
  readonly job?: string;
  readonly slot?: string;
  readonly timeout?: string;
  readonly cron?: boolean;
}

function addExec(program: Command, building: Building): void {
  addCommand(program, building, {
    ...COMMANDS.exec,
    fill(command) {
      command
        .addOption(valueOption('--job <name>', 'what the ledger calls it; the name of the program where left out'))
        .addOption(
          valueOption('--slot <slot>', 'auto, by the schedule under jobs, or an instant: run it once on all hosts'),
        )
        .addOption(valueOption('--timeout <time>', 'end it, and all that it has started, after so long'))
        .option('--cron', 'for a crontab: nothing to do is no failure');
      addExample(command, building, ['maint exec --job etl --timeout 2h -- /opt/etl/run', 'the command after --']);
      command.action((argv: readonly string[], { job, slot, timeout, cron = false }: ExecFlags) =>
        building.accept({
          kind: 'exec',
          job: job === undefined ? undefined : jobName(job),
          slot,
          timeoutMs: timeout === undefined ? undefined : parseDuration(timeout),
          cron,
          argv,
          common: readCommon(command),
        }),
      );
    },
  });
}

/** A word that can be a folder and a label. @throws MaintError USAGE */
function jobName(name: string): string {
  if (/^[a-z0-9][a-z0-9_-]{0,39}$/.test(name)) return name;
  throw usage('--job takes lower-case letters, digits, _ and -, at most 40', 'Write it as --job nightly-etl.');
}
