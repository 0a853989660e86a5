import type { Command } from 'commander';
import { addCommand, addExample, type Building } from './commands.ts';
import { valueOption } from './options.ts';
import { readCommon, readFormat } from './read.ts';

const BELOW = 'Commands:';

/** `maint alerts test`. */
export function fillAlerts(alerts: Command, building: Building): void {
  addExample(alerts, building, ['maint alerts test', 'does every channel work?']);
  addTest(alerts, building);
}

function addTest(alerts: Command, building: Building): void {
  addCommand(alerts, building, {
    name: 'test',
    group: BELOW,
    summary: 'Send a test alert through every channel',
    fill(command) {
      command
        .option('--json', 'print one JSON document')
        .addOption(valueOption('--channel <name>', 'only this channel'));
      addExample(command, building, ['maint alerts test --channel slack', 'one channel; all where left out']);
      command.action(({ channel }: { readonly channel?: string }) =>
        building.accept({ kind: 'alert-test', channel, format: readFormat(command), common: readCommon(command) }),
      );
    },
  });
}
