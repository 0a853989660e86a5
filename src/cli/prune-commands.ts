import type { Command } from 'commander';
import { addCommand, BELOW_PRUNE, type Building } from './commands.ts';
import { examples, type Example } from './help.ts';
import { valueOption } from './options.ts';
import { readCommon, readFormat } from './read.ts';
import { usage } from './usage.ts';

interface RestoreFlags {
  readonly since?: string;
  readonly until?: string;
  readonly where?: string;
  readonly dryRun?: boolean;
}

const EXAMPLES: readonly Example[] = [
  ['maint prune restore orders --dry-run', 'count what would come back'],
  ["maint prune restore orders --where 'customer_id = 42'", 'the rows of one customer'],
  ['maint prune restore /archive/orders --since 2026-01-01', 'from the files of a rule that is gone'],
];

/** `maint prune restore <rule>`, below the task. */
export function addPruneRestore(program: Command, building: Building): void {
  const prune = program.commands.find((command) => command.name() === 'prune');
  if (prune === undefined || !building.isTyped('prune')) return;
  addCommand(prune, building, {
    name: `${BELOW_PRUNE} <rule>`,
    group: 'Commands:',
    summary: 'Bring rows back that a rule has archived; what is there already stays',
    fill(command) {
      command
        .addOption(valueOption('--since <time>', 'only rows whose age column is at or after this time'))
        .addOption(valueOption('--until <time>', 'only rows whose age column is before this time'))
        .addOption(valueOption('--where <condition>', 'only rows for which this SQL condition is true'))
        .option('--dry-run', 'count, change nothing')
        .option('--json', 'print one JSON document')
        .addHelpText('after', () => examples(EXAMPLES, building.columns).join('\n'));
      command.action((rule: string, { since, until, where, dryRun = false }: RestoreFlags) => {
        // One that stands before the word was taken for a flag of the run, and would be forgotten here.
        const early = prune.options.find((option) => prune.getOptionValueSource(option.attributeName()) === 'cli');
        if (early !== undefined)
          throw usage(
            `${early.long ?? early.flags} stands before restore`,
            'Write it behind: maint prune restore RULE …',
          );
        building.accept({
          kind: 'prune-restore',
          rule,
          since,
          until,
          where,
          dryRun,
          format: readFormat(command),
          common: readCommon(command),
        });
      });
    },
  });
}
