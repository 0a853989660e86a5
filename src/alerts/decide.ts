import type { RunReport } from '../engine/report.ts';
import { DAY_MS } from '../base/units.ts';
import { commandsFor } from './answers.ts';
import { changesOf, type AlertChange } from './changes.ts';
import { withFlapping } from './decide/flapping.ts';
import { isHeld } from './decide/hold.ts';
import { newState, observed, type Observation, type Sight } from './decide/observe.ts';
import { isTold, reasonFor, type Telling } from './decide/reason.ts';
import { worstFirst, type Notification } from './notification.ts';
import { handlingOf, muteOf, type AlertPolicy, type Handling, type Mute } from './policy.ts';
import { fingerprintOf, readFindings, type Findings } from './problems.ts';
import { isOpen, type AlertState } from './state.ts';

/** Everything that a decision rests on. */
export interface DecideRequest {
  readonly states: readonly AlertState[];
  readonly report: RunReport;
  readonly now: Date;
  readonly policy: AlertPolicy;
}

/** What to tell, worst first, and what is known from now on. States say what was told only after `settle`. */
export interface Decision {
  readonly notifications: readonly Notification[];
  readonly states: readonly AlertState[];
  /** What became different with this run, for the history. */
  readonly changes: readonly AlertChange[];
}

interface Judged {
  readonly state: AlertState;
  readonly handling: Handling;
  readonly telling: Telling | undefined;
  readonly changes: readonly AlertChange[];
}

/**
 * Decides what a report is worth telling, given what was told before. Pure, and the same for the same run however often
 * it is asked. A notification that no channel takes comes again with the next decision, because it still was not told.
 */
export function decide({ states, report, now, policy }: DecideRequest): Decision {
  if (report.dryRun) return { notifications: [], states, changes: [] };
  const findings = readFindings(report, policy.on);
  // The store may hold the states of another project too, of which this run knows nothing.
  const [own, foreign] = partition(
    states,
    ({ fingerprint, task, step }) => fingerprint === fingerprintOf(report.project, task, step),
  );
  const known = new Map(own.map((state) => [state.fingerprint, notInFuture(state, now)]));
  const sight: Sight = { run: report.run, now };
  const fresh = findings.problems
    .values()
    .filter(({ fingerprint }) => !known.has(fingerprint))
    .map((problem) => newState(problem, sight));
  const judged = [...known.values(), ...fresh].map((state) =>
    judge(state, observationOf(state, findings), { policy, ...sight }),
  );
  const groups = new Set(judged.flatMap(({ state, handling }) => (isTold(state) ? [groupOf(handling)] : [])));
  return {
    notifications: worstFirst(judged.flatMap((each) => notificationOf(each, { groups, policy }) ?? [])),
    states: [...foreign, ...judged.flatMap(({ state }) => (isWorthKeeping(state, now) ? [state] : []))],
    changes: judged.flatMap(({ changes }) => changes),
  };
}

function partition<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): readonly [Item[], Item[]] {
  const [first, second]: [Item[], Item[]] = [[], []];
  for (const item of items) (isFirst(item) ? first : second).push(item);
  return [first, second];
}

function observationOf(state: AlertState, findings: Findings): Observation {
  const problem = findings.problems.get(state.fingerprint);
  if (problem !== undefined) return { is: 'problem', problem };
  const standing = findings.standing(state);
  return standing.is === 'open' ? { is: 'unknown' } : standing;
}

interface Situation extends Sight {
  readonly policy: AlertPolicy;
}

function judge(earlier: AlertState, observation: Observation, { policy, run, now }: Situation): Judged {
  const severity = observation.is === 'problem' ? observation.problem.severity : earlier.seen;
  const handling = handlingOf(observation.is === 'problem' ? observation.problem : earlier, severity, policy);
  const seen = observed(earlier, observation, { ...handling, run, now });
  const restless = policy.flapping && observation.is !== 'unknown' ? withFlapping(seen) : seen;
  const state = withSeverity(restless);
  const mute = muteOf(state, handling, policy.mutes);
  const telling = reasonFor(state, { observation: observation.is, handling, mute, now });
  const isWaiting = telling === undefined || isHeld(state, handling, { policy, now });
  const next = withMute(state, mute);
  const changes = changesOf(earlier, { state: next, alertClass: handling.alertClass, run });
  return { state: next, handling, telling: isWaiting ? undefined : telling, changes };
}

/** Milder is known at once; worse only once it was told. While a problem comes and goes, nothing is forgotten. */
function withSeverity(state: AlertState): AlertState {
  const { severity, seen, lastToldAt, flapping } = state;
  if (lastToldAt === null) return { ...state, severity: seen };
  return flapping === null && severity !== 'warn' ? { ...state, severity: seen } : state;
}

function withMute(state: AlertState, mute: Mute | undefined): AlertState {
  if (mute !== undefined && isOpen(state)) {
    const { silence, by, reason, until } = mute;
    return { ...state, muted: { silence, by, reason, until } };
  }
  // What ended in silence has nothing left to tell of it.
  return state.phase === 'ok' ? { ...state, muted: null } : state;
}

const REMEMBERED_MS = 30 * DAY_MS;

/** A problem that is over is remembered for a while, for it may be one that comes and goes. */
function isWorthKeeping({ phase, deliveredTo, recent, firedAt, seenAt }: AlertState, now: Date): boolean {
  if (phase !== 'ok' || deliveredTo.length > 0) return true;
  const isFresh = now.getTime() - Date.parse(seenAt) < REMEMBERED_MS;
  return isFresh && (firedAt.length > 0 || recent.includes('!'));
}

function groupOf({ route, owner }: Handling): string {
  return [route?.name ?? '', owner ?? ''].filter((part) => part !== '').join('_');
}

/** `team-db (@db)`. */
function ownerText(owner: string, { owners }: AlertPolicy): string {
  const contact = Object.hasOwn(owners, owner) ? owners[owner]?.contact : undefined;
  return contact === undefined ? owner : `${owner} (${contact})`;
}

interface Company {
  /** Groups in which something is known already. */
  readonly groups: ReadonlySet<string>;
  readonly policy: AlertPolicy;
}

function notificationOf({ state, handling, telling }: Judged, { groups, policy }: Company): Notification | undefined {
  if (telling === undefined) return undefined;
  const isJoining = telling.reason === 'first' && groups.has(groupOf(handling));
  return toNotification({ state, handling }, isJoining ? { ...telling, reason: 'new_in_group' } : telling, policy);
}

function toNotification(
  { state, handling }: Pick<Judged, 'state' | 'handling'>,
  telling: NonNullable<Judged['telling']>,
  policy: AlertPolicy,
): Notification {
  const { fingerprint, task, step, check, severity, seen, summary, impact, firstSeenAt } = state;
  const isOver = state.phase === 'ok';
  const { route, owner, alertClass } = handling;
  return {
    fingerprint,
    reason: telling.reason,
    task,
    step,
    check,
    severity: isOver ? severity : seen,
    alertClass: isOver ? (state.toldClass ?? alertClass) : alertClass,
    summary,
    impact,
    owner: owner === null ? null : ownerText(owner, policy),
    remediation: isOver ? [] : [...state.remediation, ...commandsFor(state, handling.rule)],
    note: telling.note ?? null,
    firstSeenAt,
    channels: telling.channels ?? route?.channels ?? [],
    fallback: isOver || telling.channels !== undefined ? [] : (route?.fallback ?? []),
    group: groupOf(handling),
  };
}

/** What a problem that stays says of itself to channels that have to hear of it all the time. Pure. */
export function standingNotification(state: AlertState, policy: AlertPolicy): Notification {
  const handling = handlingOf(state, state.seen, policy);
  return toNotification({ state, handling }, { reason: 'repeat_due' }, policy);
}

/** After the clock went backwards an alarm seems told in the future; counted from now it is neither lost nor repeated at once. */
function notInFuture(state: AlertState, now: Date): AlertState {
  const latest = now.toISOString();
  const at = (instant: string): string => (Date.parse(instant) < now.getTime() ? instant : latest);
  const { firstSeenAt, lastToldAt, alarmedAt, seenAt, firedAt } = state;
  return {
    ...state,
    firstSeenAt: at(firstSeenAt),
    seenAt: at(seenAt),
    lastToldAt: lastToldAt === null ? null : at(lastToldAt),
    alarmedAt: alarmedAt === null ? null : at(alarmedAt),
    firedAt: firedAt.map(at),
  };
}
