import { shownId } from '../alerts/answers.ts';
import { handlingOf, muteOf } from '../alerts/policy.ts';
import { isOpen, type AlertState } from '../alerts/state.ts';
import { printable } from '../base/printable.ts';
import { formatDuration, plural } from '../base/units.ts';
import type { World } from '../base/world.ts';
import { lookAtAlerts, type Desk } from './alerts-desk.ts';
import type { AlertsListInvocation } from './alerts-invocation.ts';
import { hanging } from './layout.ts';
import { LOOKS, paintFor, type Paint } from './style.ts';

/** `maint alerts list`: what is wrong now, the worst first. @returns 1 while there is a problem that nobody looks after */
export async function alertsListCommand(invocation: AlertsListInvocation, world: World): Promise<number> {
  const { format, common, all } = invocation;
  return lookAtAlerts(common, world, (desk) => {
    const { stdout, env } = world;
    const now = world.now();
    const alerts = listed(desk, all, now);
    if (format === 'json')
      stdout.write(`${JSON.stringify({ format: 1, project: desk.config.project, alerts: alerts.map(documentOf) })}\n`);
    else {
      const page = { now, columns: Math.min(stdout.columns, 140), paint: paintFor(common.color, env, stdout) };
      stdout.write(textOf(alerts, page));
    }
    return alerts.some(({ state, isAcknowledged, mutedBy }) => isOpen(state) && !isAcknowledged && mutedBy === null)
      ? 1
      : 0;
  });
}

/** A problem with what is decided about it. */
interface Listed {
  readonly state: AlertState;
  readonly alertClass: string;
  readonly owner: string | null;
  readonly isAcknowledged: boolean;
  /** Whose silence it is in. */
  readonly mutedBy: string | null;
}

const SEVERITIES = ['fail', 'crash', 'warn'];

function listed({ store, policy }: Desk, all: boolean, now: Date): readonly Listed[] {
  return store
    .load()
    .filter((state) => all || isOpen(state) || state.deliveredTo.length > 0)
    .map((state) => {
      const handling = handlingOf(state, state.seen, policy);
      const { ack } = state;
      return {
        state,
        alertClass: handling.alertClass,
        owner: handling.owner,
        isAcknowledged: ack !== null && now.getTime() < Date.parse(ack.until),
        mutedBy: muteOf(state, handling, policy.mutes)?.by ?? null,
      };
    })
    .toSorted(
      (a, b) =>
        Number(isOpen(b.state)) - Number(isOpen(a.state)) ||
        SEVERITIES.indexOf(a.state.seen) - SEVERITIES.indexOf(b.state.seen) ||
        a.state.firstSeenAt.localeCompare(b.state.firstSeenAt),
    );
}

function documentOf({ state, ...decided }: Listed): object {
  const { fingerprint: id, seen: severity, phase, task, step, check, summary, impact, firstSeenAt } = state;
  const { lastToldAt, deliveredTo, ack, flapping, remediation } = state;
  const shown = { id, phase, severity, task, step, check, summary, impact, remediation, firstSeenAt };
  return { ...shown, lastToldAt, deliveredTo, ack, isFlapping: flapping !== null, ...decided };
}

interface Page {
  readonly now: Date;
  readonly columns: number;
  readonly paint: Paint;
}

function textOf(alerts: readonly Listed[], { now, columns, paint }: Page): string {
  if (alerts.length === 0) return 'nothing is wrong\n';
  const lines = alerts.flatMap((alert) => {
    const { state, alertClass, owner } = alert;
    const { mark, color } = LOOKS[isOpen(state) ? state.seen : 'done'];
    const head = `${paint(color, mark)} ${shownId(state)}  ${alertClass.padEnd(6)}  `;
    const about = `${state.task}, ${state.step}: ${state.summary}`;
    const facts = [sinceWords(state, now), toldWords(state), ...quietWords(alert), ...(owner === null ? [] : [owner])];
    return [
      ...hanging(head, printable(about), columns),
      ...hanging(' '.repeat(22), paint('dim', printable(facts.join(' · '))), columns),
    ];
  });
  const open = alerts.filter(({ state }) => isOpen(state)).length;
  return `${lines.join('\n')}\n${plural(open, 'open problem')}; answer one with \`maint alerts ack <id> --for 4h\`\n`;
}

function sinceWords({ phase, firstSeenAt }: AlertState, now: Date): string {
  const words: Readonly<Record<AlertState['phase'], string>> = {
    pending: 'not yet told, seen',
    firing: 'since',
    recovering: 'better again; since',
    ok: 'over; began',
  };
  return `${words[phase]} ${formatDuration(Math.max(0, now.getTime() - Date.parse(firstSeenAt)))}`;
}

function toldWords({ deliveredTo }: AlertState): string {
  return deliveredTo.length === 0 ? 'told nobody' : `told ${deliveredTo.join(', ')}`;
}

function quietWords({ state, isAcknowledged, mutedBy }: Listed): readonly string[] {
  return [
    ...(isAcknowledged ? [`${state.ack?.by ?? ''} looks after it until ${state.ack?.until.slice(0, 16) ?? ''}Z`] : []),
    ...(mutedBy === null ? [] : [`silenced by ${mutedBy}`]),
    ...(state.flapping === null ? [] : ['comes and goes']),
  ];
}
