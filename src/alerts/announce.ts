import type { AlertReport } from '../engine/report.ts';
import { brokenChannels } from './broken.ts';
import { secretsOf } from './channels/settings.ts';
import { decide } from './decide.ts';
import { isHeld } from './decide/hold.ts';
import { changeEvent } from './events.ts';
import { groupMessages } from './message.ts';
import { handlingOf, muteOf } from './policy.ts';
import { readFindings } from './problems.ts';
import { redactor, redactReport } from './redact.ts';
import { refreshStanding } from './refresh.ts';
import { endRound, startRound, type AnnounceRequest, type Round } from './round.ts';
import { keep, send } from './send.ts';
import { withMatches } from './silences.ts';
import { besideWaiting, stillTrue } from './spool.ts';
import type { SpooledMessage } from './store.ts';

/**
 * Tells the channels what a run found: first what waits in the spool, in its order and as far as it is still true, then
 * one message about this run for each route and owner. A message lies in the spool before it is sent and until a channel
 * has taken it, so that a run killed at any moment loses nothing, and repeats only under the same id. Without a channel
 * the states are kept all the same, for people who ask.
 * @returns what went out and what could not; never throws for what a network, a server or the store does
 */
export async function announce(request: AnnounceRequest): Promise<AlertReport> {
  const { settings, report: original } = request;
  if (original.dryRun) return { delivered: 0, undelivered: 0, lines: [] };
  const redact = redactor([...request.secrets, ...settings.channels.flatMap(secretsOf)]);
  const round = startRound(request, redactReport(original, redact));
  await flush(round);
  await tell(round);
  await refreshStanding(round);
  await tellOfChannels(round);
  const { lines, ...report } = endRound(round);
  return { ...report, lines: lines.map(redact) };
}

/** What waits for this project. */
function waitingIn({ store, report }: Round): readonly SpooledMessage[] {
  return store.spooled().filter(({ project }) => project === report.project);
}

async function flush(round: Round): Promise<void> {
  const { report, settings } = round;
  const findings = readFindings(report, settings.on);
  const channels = settings.channels.map(({ name }) => name);
  const isQuiet = (fingerprint: string): boolean => isQuietNow(fingerprint, round);
  for (const message of waitingIn(round)) {
    const left = stillTrue(message, { findings, states: round.states, channels, isQuiet });
    if (waitsForHours(left, round)) keep(left, round);
    else await send(left, round);
  }
}

/** What found no channel before the hours of its owner ended waits for the next ones, unless somebody has it already. */
function waitsForHours({ notifications, takenBy }: SpooledMessage, { states, policy, at }: Round): boolean {
  if (notifications.length === 0 || takenBy.length > 0) return false;
  return notifications.every(({ fingerprint }) => {
    const state = states.find((each) => each.fingerprint === fingerprint);
    return state !== undefined && isHeld(state, handlingOf(state, state.seen, policy), { policy, now: at });
  });
}

function isQuietNow(fingerprint: string, { states, policy, at }: Round): boolean {
  const state = states.find((each) => each.fingerprint === fingerprint);
  if (state === undefined) return false;
  const isAcknowledged = state.ack !== null && at.getTime() < Date.parse(state.ack.until);
  return isAcknowledged || muteOf(state, handlingOf(state, state.seen, policy), policy.mutes) !== undefined;
}

async function tell(round: Round, part?: 'channels'): Promise<void> {
  const { report, store, at, policy } = round;
  const decision = decide({ states: round.states, report, now: at, policy });
  round.states = decision.states;
  if (decision.changes.length > 0) store.record(decision.changes.map((change) => changeEvent(change, at)));
  store.save(round.states);
  keepSilences(round);
  if (round.settings.channels.length === 0) return;
  const { fresh, waiting } = besideWaiting(decision.notifications, waitingIn(round));
  if (fresh.length === 0) return;
  const copyable = fresh.map((each) => ({ ...each, remediation: each.remediation.map(round.carry) }));
  const messages = groupMessages({ report, part, at }, copyable).map((message) => ({ ...message, takenBy: [] }));
  for (const message of messages) store.spool(message);
  for (const older of waiting) keep(older, round);
  for (const message of messages) await send(message, round);
}

function keepSilences({ store, states, at }: Round): void {
  const silences = store.silences();
  if (silences.length > 0) store.saveSilences(withMatches(silences, states, at));
}

/** A channel that refuses for good is a problem of its own, as far as another one can tell of it. */
async function tellOfChannels(round: Round): Promise<void> {
  const report = brokenChannels(round);
  if (report === undefined) return;
  for (const name of round.broken.keys()) round.silent.add(name);
  round.report = report;
  await tell(round, 'channels');
}
