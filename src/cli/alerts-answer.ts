import { shownId } from '../alerts/answers.ts';
import { answerEvent, subjectOfState } from '../alerts/events.ts';
import { isOpen } from '../alerts/state.ts';
import { formatDuration } from '../base/units.ts';
import type { World } from '../base/world.ts';
import { answerAlerts, newestEvents, pickById, pickState, said, speaker, type Desk } from './alerts-desk.ts';
import type { AlertsAckInvocation, AlertsCloseInvocation } from './alerts-invocation.ts';
import { usage } from './usage.ts';

/** What was written down, in words and as data. */
interface Said {
  readonly id: string;
  readonly summary: string;
  readonly by: string;
  readonly note: string | null;
}

/** `maint alerts ack | close`: what a person says of an alert, with who and when. */
export async function alertsAnswerCommand(
  invocation: AlertsAckInvocation | AlertsCloseInvocation,
  world: World,
): Promise<number> {
  const { common, format } = invocation;
  const result = await answerAlerts(common, world, (desk) =>
    invocation.kind === 'alerts-ack' ? acknowledge(invocation, desk, world) : close(invocation, desk, world),
  );
  const { stdout } = world;
  if (format === 'json') stdout.write(`${JSON.stringify({ format: 1, ...result })}\n`);
  else stdout.write(`${result.summary}\n`);
  return 0;
}

function acknowledge({ id, forMs, ...words }: AlertsAckInvocation, desk: Desk, world: World): Said {
  const state = pickState(desk, id);
  if (!isOpen(state))
    throw usage(`${shownId(state)} is over`, 'Say what it was: maint alerts close <id> --outcome action.');
  const now = world.now();
  const by = speaker(words.by, world);
  const note = words.note === undefined ? null : said(words.note);
  const ack = { by, note, at: now.toISOString(), until: new Date(now.getTime() + forMs).toISOString() };
  const { store } = desk;
  store.save(store.load().map((each) => (each.fingerprint === state.fingerprint ? { ...each, ack } : each)));
  store.record([answerEvent(subjectOfState(state), { kind: 'acked', by, note, outcome: null }, now)]);
  const summary = `${by} looks after ${state.task}, ${state.step} for ${formatDuration(forMs)}: until then it is neither repeated nor escalated`;
  return { id: state.fingerprint, summary, by, note };
}

function close({ id, outcome, ...words }: AlertsCloseInvocation, desk: Desk, world: World): Said {
  const { store } = desk;
  // What is over may be forgotten as a problem, but never as an event.
  const events = newestEvents(store.history(new Date(0)));
  const event = pickById(events, id, ({ fingerprint }) => fingerprint);
  const state = store.load().find(({ fingerprint }) => fingerprint === event.fingerprint);
  const by = speaker(words.by, world);
  const note = words.note === undefined ? null : said(words.note);
  const subject = state === undefined ? event : subjectOfState(state);
  store.record([answerEvent(subject, { kind: 'closed', by, note, outcome }, world.now())]);
  const isThere = state !== undefined && isOpen(state);
  const more = isThere ? '; it is still there, and is told again while it is' : '';
  return { id: event.fingerprint, summary: `${event.task}, ${event.step} is closed as ${outcome}${more}`, by, note };
}
