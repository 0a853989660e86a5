import { Option, type Command } from 'commander';
import { addAlertAnswers, addAlertJudgements, addAlertLooks } from './alerts-answer-commands.ts';
import { addCommand, addExample, type Building } from './commands.ts';
import type { AlertTestInvocation } from './invocation.ts';
import { valueOption } from './options.ts';
import { readCommon, readFormat } from './read.ts';

const BELOW = 'Commands:';

/** `maint alerts list | show | explain | ack | close | stats | tune | test`. */
export function fillAlerts(alerts: Command, building: Building): void {
  addExample(alerts, building, ['maint alerts list', 'what is wrong now?']);
  addAlertLooks(alerts, building);
  addAlertAnswers(alerts, building);
  addAlertJudgements(alerts, building);
  addTest(alerts, building);
  addRules(alerts, building);
}

interface TestFlags {
  readonly channel?: string;
  readonly class?: AlertTestInvocation['alertClass'];
  readonly print?: boolean;
  readonly confirm?: string;
}

function addTest(alerts: Command, building: Building): void {
  addCommand(alerts, building, {
    name: 'test',
    group: BELOW,
    summary: 'Send a test alert through every channel',
    fill(command) {
      command
        .option('--json', 'print one JSON document')
        .addOption(valueOption('--channel <name>', 'only this channel').conflicts('class'))
        .addOption(
          valueOption('--class <class>', 'only the channels that problems of this class go to').choices([
            'page',
            'ticket',
          ]),
        )
        .addOption(new Option('--all', 'every channel, as without any flag').conflicts(['channel', 'class']))
        .addOption(new Option('--print', 'show what would be sent, and send nothing').conflicts('confirm'))
        .addOption(valueOption('--confirm <code>', 'say that a test arrived, by the code in it'));
      addExample(command, building, ['maint alerts test --channel slack', 'one channel; all where left out']);
      command.action(({ channel, class: alertClass, print = false, confirm }: TestFlags) =>
        building.accept({
          kind: 'alert-test',
          channel,
          alertClass,
          print,
          confirm,
          format: readFormat(command),
          common: readCommon(command),
        }),
      );
    },
  });
}

function addRules(alerts: Command, building: Building): void {
  addCommand(alerts, building, {
    name: 'rules',
    group: BELOW,
    summary: 'Print rules for Prometheus that notice when maint is silent',
    fill(command) {
      command.addOption(valueOption('--every <duration>', 'how often metrics are written; 24h where left out'));
      addExample(command, building, ['maint alerts rules --every 5min > maint.rules.yml', 'with maint tick']);
      command.action(({ every }: { readonly every?: string }) =>
        building.accept({ kind: 'alert-rules', every, common: readCommon(command) }),
      );
    },
  });
}
