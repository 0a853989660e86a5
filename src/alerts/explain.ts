import { formatDuration, plural } from '../base/units.ts';
import { isHeld } from './decide/hold.ts';
import { handlingOf, muteOf, shiftOf, type AlertPolicy, type Handling } from './policy.ts';
import type { AlertState } from './state.ts';

/** Says why an alert went where it went, or why nobody hears of it, one line for each thing that had a say. */
export function explainAlert(state: AlertState, policy: AlertPolicy, now: Date): readonly string[] {
  const handling = handlingOf(state, state.seen, policy);
  return [
    classLine(state, handling),
    ownerLine(handling, policy, now),
    ...routeLines(state, handling, { policy, now }),
    ...phaseLines(state, handling),
    ...quietLines(state, handling, { policy, now }),
    toldLine(state),
  ];
}

function classLine({ check, alertClass: declared, seen }: AlertState, { alertClass, rule }: Handling): string {
  const source = rule.alertClass === undefined ? `the check ${check} is` : `alerts.checks.${check}.class says`;
  const lowered = alertClass === (rule.alertClass ?? declared) ? '' : `; a warning of it is only a ${alertClass}`;
  return `class ${alertClass}: ${source} ${rule.alertClass ?? declared}, and it is a ${seen}${lowered}`;
}

function ownerLine({ owner, rule }: Handling, policy: AlertPolicy, now: Date): string {
  if (owner === null) return 'owner: nobody is named; alerts.owner names one';
  const source = rule.owner === undefined ? 'alerts.owner' : 'its own rule under alerts.checks';
  const shift = shiftOf(owner, policy, now);
  const hours = shift === undefined ? 'always at work' : shift.isNow ? 'at work now' : 'not at work now';
  return `owner ${owner}: by ${source}, ${hours}`;
}

interface Present {
  readonly policy: AlertPolicy;
  readonly now: Date;
}

function routeLines(state: AlertState, handling: Handling, present: Present): readonly string[] {
  const { route } = handling;
  if (route === undefined) return ['route: none; the class report is never sent'];
  const { name, channels, fallback, escalate, repeatAfterMs } = route;
  const to = channels === 'all' ? 'every channel' : channels.join(', ');
  const steps = escalate.map(({ afterMs, to: next }) => `, after ${formatDuration(afterMs)} to ${next.join(', ')}`);
  return [
    `route ${name === '' ? 'for all classes' : name}: to ${to}${fallback.length === 0 ? '' : `, else ${fallback.join(', ')}`}${steps.join('')}; again after ${formatDuration(repeatAfterMs)}`,
    ...(isHeld(state, handling, present) ? ['held: it waits for the hours of its owner'] : []),
  ];
}

function phaseLines({ phase, recent }: AlertState, { need, resolveAfter }: Handling): readonly string[] {
  const results = recent.replaceAll('!', '✗').replaceAll('.', '✓');
  const words: Readonly<Record<AlertState['phase'], string>> = {
    pending: `not yet a problem: needs ${need.hits} bad of the newest ${plural(need.of, 'result')}`,
    firing: 'a problem',
    recovering: `better, but over only after ${plural(resolveAfter, 'good result')} in a row`,
    ok: 'over',
  };
  return [`it is ${words[phase]} (results, newest last: ${results === '' ? 'none' : results})`];
}

function quietLines(state: AlertState, handling: Handling, { policy, now }: Present): readonly string[] {
  const { ack, flapping } = state;
  const mute = muteOf(state, handling, policy.mutes);
  return [
    ...(mute === undefined ? [] : [`silenced by ${mute.by} until ${mute.until}: ${mute.reason} (${mute.silence})`]),
    ...(ack !== null && now.getTime() < Date.parse(ack.until)
      ? [`acknowledged by ${ack.by} until ${ack.until}: neither repeated nor escalated`]
      : []),
    ...(flapping === 'quiet' ? ['it comes and goes: told again once ten results in a row are the same'] : []),
  ];
}

function toldLine({ deliveredTo, lastToldAt, phase }: AlertState): string {
  if (lastToldAt !== null) return `told ${deliveredTo.join(', ')}, last at ${lastToldAt}`;
  if (deliveredTo.length > 0) return `${deliveredTo.join(', ')} still has to hear that it is over`;
  return phase === 'ok' ? 'whoever took the alarm knows that it is over' : 'no channel has taken it yet';
}
