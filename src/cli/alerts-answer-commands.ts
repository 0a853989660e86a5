import type { Command } from 'commander';
import { MaintError } from '../base/errors.ts';
import { parseDuration } from '../base/units.ts';
import { ALERT_OUTCOMES, type AlertOutcome } from '../engine/concern.ts';
import { addCommand, addExample, type Building } from './commands.ts';
import type { CommonFlags, Format } from './invocation.ts';
import { choiceOption, numberOption, valueOption, valuesOption } from './options.ts';
import { readCommon, readFormat } from './read.ts';
import { usage } from './usage.ts';

const BELOW = 'Commands:';
const JSON_FLAG = ['--json', 'print one JSON document'] as const;

function shared(command: Command): { readonly format: Format; readonly common: CommonFlags } {
  return { format: readFormat(command), common: readCommon(command) };
}

/** `maint alerts list | show | explain`. */
export function addAlertLooks(alerts: Command, building: Building): void {
  addCommand(alerts, building, {
    name: 'list',
    group: BELOW,
    summary: 'What is wrong now: since when, who was told, who looks after it',
    fill(command) {
      command.option('--all', 'also what is over, and what is not yet a problem').option(...JSON_FLAG);
      addExample(command, building, ['maint alerts list', 'the worst first']);
      command.action(({ all = false }: { readonly all?: boolean }) =>
        building.accept({ kind: 'alerts-list', all, ...shared(command) }),
      );
    },
  });
  const one = { show: 'Everything that is known of one alert', explain: 'Why an alert went where it went, or nowhere' };
  for (const name of ['show', 'explain'] as const)
    addCommand(alerts, building, {
      name: `${name} <id>`,
      group: BELOW,
      summary: one[name],
      fill(command) {
        command.option(...JSON_FLAG);
        addExample(command, building, [`maint alerts ${name} 9f1c2a`, 'the beginning of an id is enough']);
        command.action((id: string) => building.accept({ kind: `alerts-${name}`, id, ...shared(command) }));
      },
    });
}

interface SaidFlags {
  readonly for?: string;
  readonly by?: string;
  readonly note?: string;
  readonly outcome?: AlertOutcome;
}

/** `maint alerts ack | close`. */
export function addAlertAnswers(alerts: Command, building: Building): void {
  addCommand(alerts, building, {
    name: 'ack <id>',
    group: BELOW,
    summary: 'Say that you look after it: no repeats, no escalation until then',
    fill(command) {
      addSaid(command.addOption(valueOption('--for <time>', 'for how long; required')));
      addExample(command, building, ['maint alerts ack 9f1c2a --for 4h --by ana', 'told again when that ends']);
      command.action((id: string, { for: length, by, note }: SaidFlags) => {
        const forMs = duration('maint alerts ack', '--for', length);
        building.accept({ kind: 'alerts-ack', id, forMs, by, note, ...shared(command) });
      });
    },
  });
  addCommand(alerts, building, {
    name: 'close <id>',
    group: BELOW,
    summary: 'Say what it was: the only way to know whether it was worth it',
    fill(command) {
      addSaid(
        command.addOption(
          choiceOption('--outcome <word>', `one of ${ALERT_OUTCOMES.join(', ')}; required`, ALERT_OUTCOMES),
        ),
      );
      addExample(command, building, ['maint alerts close 9f1c2a --outcome no-action', 'it went away by itself']);
      command.action((id: string, { outcome, by, note }: SaidFlags) => {
        if (outcome === undefined)
          throw usage('maint alerts close needs --outcome', `Write one of ${ALERT_OUTCOMES.join(', ')}.`);
        building.accept({ kind: 'alerts-close', id, outcome, by, note, ...shared(command) });
      });
    },
  });
}

function addSaid(command: Command): void {
  command
    .addOption(valueOption('--by <name>', 'who you are; the user of the system where left out'))
    .addOption(valueOption('--note <text>', 'for whoever looks at it later'))
    .option(...JSON_FLAG);
}

interface TuneFlags {
  readonly since?: string;
  readonly for?: string;
  readonly resolveAfter?: number;
  readonly sample?: string;
  readonly warnAt?: number;
  readonly failAt?: number;
  readonly below?: boolean;
}

/** `maint alerts stats | tune`. */
export function addAlertJudgements(alerts: Command, building: Building): void {
  addCommand(alerts, building, {
    name: 'stats',
    group: BELOW,
    summary: 'How many alerts fired, and how many of them needed no action',
    fill(command) {
      command.addOption(valueOption('--since <time>', 'how far back; 7d where left out')).option(...JSON_FLAG);
      addExample(command, building, ['maint alerts stats --since 30d', '1 when most needed no action']);
      command.action(({ since = '7d' }: { readonly since?: string }) =>
        building.accept({ kind: 'alerts-stats', sinceMs: duration('', '--since', since), ...shared(command) }),
      );
    },
  });
  addCommand(alerts, building, {
    name: 'tune <check>',
    group: BELOW,
    summary: 'Replay what happened with other settings, and say what would have fired',
    fill(command) {
      command
        .addOption(valueOption('--since <time>', 'how far back; 30d where left out'))
        .addOption(valueOption('--for <results>', 'only this: 2, or "2 of 3"; many are tried where left out'))
        .addOption(
          numberOption('--resolve-after <n>', 'good results that end it', { minimum: 1, maximum: 20, isWhole: true }),
        )
        .addOption(valueOption('--sample <name>', 'the number to hold thresholds against'))
        .addOption(numberOption('--warn-at <n>', 'another threshold to warn at', {}))
        .addOption(numberOption('--fail-at <n>', 'another threshold to fail at', {}))
        .option('--below', 'less is worse')
        .option(...JSON_FLAG);
      addExample(command, building, ['maint alerts tune disk --fail-at 0.95', 'what would have fired?']);
      command.action((check: string, flags: TuneFlags) => {
        const { since = '30d', for: need, resolveAfter, sample, warnAt, failAt, below: isBelow = false } = flags;
        const sinceMs = duration('', '--since', since);
        const tried = { need, resolveAfter, sample, warnAt, failAt, isBelow };
        building.accept({ kind: 'alerts-tune', check, sinceMs, ...tried, ...shared(command) });
      });
    },
  });
}

interface SilenceFlags {
  readonly match?: readonly string[];
  readonly for?: string;
  readonly by?: string;
  readonly reason?: string;
  readonly untilResolved?: boolean;
}

/** `maint silence add | list | expire`. */
export function fillSilence(silence: Command, building: Building): void {
  addExample(silence, building, ["maint silence add --match check=disk --for 2h --reason 'swap'", 'checks run on']);
  addCommand(silence, building, {
    name: 'add',
    group: BELOW,
    summary: 'Send no alarm of something for a while; it is still checked and recorded',
    fill(command) {
      command
        .addOption(
          valuesOption('--match <key=value>', 'id, check, task, step, class or owner; repeat it for all to hold'),
        )
        .addOption(valueOption('--for <time>', 'for how long, at most 30 days; required'))
        .addOption(valueOption('--reason <text>', 'why; required'))
        .addOption(valueOption('--by <name>', 'who you are; the user of the system where left out'))
        .option('--until-resolved', 'end it once everything it kept silent is over')
        .option(...JSON_FLAG);
      addExample(command, building, ['maint silence add --match check=disk --for 2h --reason swap', 'checks run on']);
      command.action(({ match, for: length, by, reason, untilResolved = false }: SilenceFlags) => {
        if (match === undefined)
          throw usage('maint silence add needs --match', 'Write what is to be silent: --match check=disk.');
        const forMs = duration('maint silence add', '--for', length);
        if (reason === undefined) throw usage('maint silence add needs --reason', 'Write why: others will read it.');
        building.accept({ kind: 'silence-add', match, forMs, by, reason, untilResolved, ...shared(command) });
      });
    },
  });
  addCommand(silence, building, {
    name: 'list',
    group: BELOW,
    summary: 'What is silent now, until when, why, and what it kept from being told',
    fill(command) {
      command.option('--stale', 'only those that have matched nothing for a week').option(...JSON_FLAG);
      addExample(command, building, ['maint silence list --stale', 'which can go?']);
      command.action(({ stale = false }: { readonly stale?: boolean }) =>
        building.accept({ kind: 'silence-list', isStale: stale, ...shared(command) }),
      );
    },
  });
  addCommand(silence, building, {
    name: 'expire <id>',
    group: BELOW,
    summary: 'End a silence now',
    fill(command) {
      addExample(command.option(...JSON_FLAG), building, [
        'maint silence expire a1b2c3d4',
        'ids are those of the list',
      ]);
      command.action((id: string) => building.accept({ kind: 'silence-expire', id, ...shared(command) }));
    },
  });
}

/** Nothing is silent or looked after for ever: an end has to be named. */
function duration(command: string, flag: string, text: string | undefined): number {
  if (text === undefined) throw usage(`${command} needs ${flag}`, `Write for how long: ${flag} 4h.`);
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    throw usage(`${flag}: ${error.message}`, error.hint);
  }
}
