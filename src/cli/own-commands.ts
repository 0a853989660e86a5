import type { Command } from 'commander';
import { fillSilence } from './alerts-answer-commands.ts';
import { fillAlerts } from './alerts-commands.ts';
import { COMMANDS } from './command-list.ts';
import { addCommand, addExample, type Building } from './commands.ts';
import { fillCron } from './cron-commands.ts';
import { SHELLS, type CommonFlags, type Format } from './invocation.ts';
import { numberOption, valueOption } from './options.ts';
import { readCommon, readFormat } from './read.ts';
import { unknownWord } from './usage.ts';

const HISTORY_LIMIT = { minimum: 1, maximum: 10_000, isWhole: true };

/** `maint status`, `history`, `alerts`, `doctor` and `runbook`: they look and change nothing. */
export function addLooks(program: Command, building: Building): void {
  addCommand(program, building, {
    ...COMMANDS.status,
    fill(command) {
      addExample(command.option(...JSON_FLAG), building, ['maint status --json', 'the same for a program']);
      command.action(() => building.accept({ kind: 'status', ...readLook(command) }));
    },
  });
  addCommand(program, building, {
    ...COMMANDS.history,
    fill(command) {
      command.option(...JSON_FLAG).addOption(numberOption('--limit <n>', 'how many', HISTORY_LIMIT).default(20));
      addExample(command, building, ['maint history --limit 5', 'the last five']);
      command.action(({ limit }: { readonly limit: number }) =>
        building.accept({ kind: 'history', limit, ...readLook(command) }),
      );
    },
  });
  addCommand(program, building, { ...COMMANDS.alerts, fill: (command) => fillAlerts(command, building) });
  addCommand(program, building, { ...COMMANDS.silence, fill: (command) => fillSilence(command, building) });
  addCommand(program, building, {
    ...COMMANDS.doctor,
    fill(command) {
      const line = ['maint doctor --config /etc/maint.yaml', 'as cron would find it'] as const;
      addExample(command.option(...JSON_FLAG), building, line);
      command.action(() => building.accept({ kind: 'doctor', ...readLook(command) }));
    },
  });
  addCommand(program, building, {
    ...COMMANDS.runbook,
    fill(command) {
      addExample(command, building, ['maint runbook blocked-sessions', 'as the report names the check']);
      command.action((check: string) => building.accept({ kind: 'runbook', check }));
    },
  });
}

/** `maint init`, `config`, `cron` and `completion`. */
export function addSetUp(program: Command, building: Building): void {
  addCommand(program, building, {
    ...COMMANDS.init,
    fill(command) {
      command
        .addOption(valueOption('--output <file>', 'where to write it'))
        .option('--force', 'write over an existing file');
      addExample(command, building, ['maint init --output /etc/maint.yaml', 'then read it, and run doctor']);
      command.action(({ output, force = false }: { readonly output?: string; readonly force?: boolean }) =>
        building.accept({ kind: 'init', output, force, common: readCommon(command) }),
      );
    },
  });
  addCommand(program, building, {
    ...COMMANDS.config,
    fill: (command) => fillConfig(command, building),
  });
  addCommand(program, building, {
    ...COMMANDS.cron,
    fill: (command) => fillCron(command, building),
  });
  addCommand(program, building, {
    ...COMMANDS.completion,
    fill(command) {
      const line = ['maint completion bash > /etc/bash_completion.d/maint', 'for every user of the machine'] as const;
      addExample(command, building, line);
      command.action((word: string) => {
        const shell = SHELLS.find((each) => each === word);
        if (shell === undefined) throw unknownWord('shell', word, SHELLS);
        building.accept({ kind: 'completion', shell });
      });
    },
  });
}

const BELOW = 'Commands:';

function fillConfig(config: Command, building: Building): void {
  addExample(config, building, ['maint config check', 'every mistake at once, with its line']);
  addCommand(config, building, {
    name: 'check',
    group: BELOW,
    summary: 'Name every mistake of the configuration at once',
    fill(command) {
      const line = ['maint config check --config ./maint.yaml', 'before it goes live'] as const;
      addExample(command.option(...JSON_FLAG), building, line);
      command.action(() => building.accept({ kind: 'config-check', ...readLook(command) }));
    },
  });
  addCommand(config, building, {
    name: 'print',
    group: BELOW,
    summary: 'Print the configuration with all defaults, secrets hidden',
    fill(command) {
      addExample(command, building, ['maint config print', 'what maint would work with']);
      command.action(() => building.accept({ kind: 'config-print', common: readCommon(command) }));
    },
  });
  addCommand(config, building, {
    name: 'schema',
    group: BELOW,
    summary: 'Print the JSON schema of the configuration, for editors',
    fill(command) {
      command.option('--report', 'that of the report which --json prints instead');
      addExample(command, building, ['maint config schema > maint.schema.json', 'for your editor']);
      command.action(({ report = false }: { readonly report?: boolean }) =>
        building.accept({ kind: 'config-schema', of: report ? 'report' : 'config', common: readCommon(command) }),
      );
    },
  });
}

const JSON_FLAG = ['--json', 'print one JSON document'] as const;

function readLook(command: Command): { readonly format: Format; readonly common: CommonFlags } {
  return { format: readFormat(command), common: readCommon(command) };
}
