import { commandsFor } from '../alerts/answers.ts';
import type { AlertEvent } from '../alerts/events.ts';
import { explainAlert } from '../alerts/explain.ts';
import { REASONS } from '../alerts/notification.ts';
import { handlingOf } from '../alerts/policy.ts';
import { isOpen, type AlertState } from '../alerts/state.ts';
import { printable } from '../base/printable.ts';
import type { World } from '../base/world.ts';
import { lookAtAlerts, pickState, type Desk } from './alerts-desk.ts';
import type { AlertsShowInvocation } from './alerts-invocation.ts';
import { hanging } from './layout.ts';

/** `maint alerts show | explain`: one alert, and what happened to it; or why it went where it went. */
export async function alertsShowCommand(invocation: AlertsShowInvocation, world: World): Promise<number> {
  const { kind, id, format, common } = invocation;
  return lookAtAlerts(common, world, (desk) => {
    const state = pickState(desk, id);
    const why = explainAlert(state, desk.policy, world.now());
    const events = desk.store.history(new Date(0)).filter(({ fingerprint }) => fingerprint === state.fingerprint);
    const lines = kind === 'alerts-explain' ? why : shown(state, events, desk);
    const columns = Math.min(world.stdout.columns, 140);
    const text = lines.flatMap((line) => hanging('', printable(line), columns)).join('\n');
    const document = kind === 'alerts-explain' ? { id: state.fingerprint, why } : { alert: state, events, why };
    world.stdout.write(format === 'json' ? `${JSON.stringify({ format: 1, ...document })}\n` : `${text}\n`);
    return 0;
  });
}

function shown(state: AlertState, events: readonly AlertEvent[], { policy }: Desk): readonly string[] {
  const { fingerprint, task, step, seen, summary, impact, remediation, firstSeenAt } = state;
  const { rule, owner } = handlingOf(state, state.seen, policy);
  return [
    `${fingerprint}  ${task}, ${step}`,
    `${isOpen(state) ? seen : 'over'}: ${summary}`,
    ...(impact === null ? [] : [`Why it matters: ${impact}`]),
    `Since ${firstSeenAt}${owner === null ? '' : `, owner ${owner}`}`,
    ...(isOpen(state) ? [...remediation, ...commandsFor(state, rule)].map((line) => `→ ${line}`) : []),
    '',
    'What happened, oldest first:',
    ...events.map((event) => `${event.at.slice(0, 16)}Z  ${eventWords(event)}`),
  ];
}

function eventWords({ kind, severity, summary, reason, channels, by, note, outcome }: AlertEvent): string {
  const aside = note === null ? '' : ` (${note})`;
  if (kind === 'acked') return `${by ?? ''} looks after it${aside}`;
  if (kind === 'closed') return `${by ?? ''} closed it as ${outcome ?? ''}${aside}`;
  if (kind === 'silenced') return `silenced by ${by ?? ''}${aside}`;
  if (kind === 'told' || kind === 'ended')
    return `told ${channels.join(', ')}: ${reason === null ? '' : REASONS[reason]}${aside}`;
  return kind === 'flapping' ? 'it comes and goes' : `${kind}: ${severity}, ${summary}`;
}
