import type { AlertClass } from '../engine/concern.ts';
import { shiftAt, type Hours, type Shift } from './hours.ts';
import { matches, type Matcher } from './match.ts';
import type { Severity } from './notification.ts';
import type { AlertState, Muting } from './state.ts';

/** How often among the newest results a problem must be seen before it is one: 2 of 3. */
export interface Need {
  readonly hits: number;
  readonly of: number;
}

/** Who is told next when nobody acknowledges. */
export interface Escalation {
  readonly afterMs: number;
  /** Names of channels. */
  readonly to: readonly string[];
}

/** How problems of one class are told. */
export interface Route {
  /** The class; empty where all classes go one way. */
  readonly name: string;
  readonly channels: 'all' | readonly string[];
  /** Channels that get it when none of those took it. */
  readonly fallback: readonly string[];
  readonly repeatAfterMs: number;
  readonly need: Need;
  /** How many good results in a row end it. */
  readonly resolveAfter: number;
  readonly escalate: readonly Escalation[];
  /** Tell only within the hours of the owner. */
  readonly isHeld: boolean;
  /** Tell everything since the last hours at once when they begin, and nothing in between. */
  readonly isDigest: boolean;
}

/** Who looks after something. */
export interface Owner {
  /** Always at work where left out. */
  readonly hours?: Hours;
  readonly contact: string;
}

/** What the configuration says of one check. */
export interface CheckRule {
  readonly owner?: string | undefined;
  readonly alertClass?: AlertClass | undefined;
  readonly need?: Need | undefined;
  readonly resolveAfter?: number | undefined;
  /** Where its runbook is, where it is not the one that comes with maint. */
  readonly runbook?: string | undefined;
}

/** A silence or a maintenance window that is on. */
export interface Mute extends Muting {
  readonly matchers: readonly Matcher[];
}

/** What the configuration and the silences say about telling. */
export interface AlertPolicy {
  /** The mildest verdict that is told; `fail` includes what could not be found out. */
  readonly on: 'warn' | 'fail';
  /** Is a problem that comes and goes told once, until it is stable? */
  readonly flapping: boolean;
  readonly routes: Readonly<Record<'page' | 'ticket', Route>>;
  /** Whose everything is that has no other owner; null where nobody is named. */
  readonly owner: string | null;
  readonly owners: Readonly<Record<string, Owner>>;
  readonly checks: Readonly<Record<string, CheckRule>>;
  readonly mutes: readonly Mute[];
}

/** How one problem is to be told. */
export interface Handling {
  readonly alertClass: AlertClass;
  /** Undefined for what is never sent. */
  readonly route: Route | undefined;
  readonly need: Need;
  readonly resolveAfter: number;
  readonly owner: string | null;
  readonly rule: CheckRule;
}

const ONCE: Need = { hits: 1, of: 1 };

/** A failure has the class of its check; a warning of it wakes nobody. */
function classOf(declared: AlertClass, severity: Severity): AlertClass {
  return severity === 'warn' && declared === 'page' ? 'ticket' : declared;
}

/** Looks up how a problem is to be told when it is as bad as this. */
export function handlingOf(
  { check, alertClass: declared }: Pick<AlertState, 'check' | 'alertClass'>,
  severity: Severity,
  policy: AlertPolicy,
): Handling {
  const rule = Object.hasOwn(policy.checks, check) ? (policy.checks[check] ?? {}) : {};
  const alertClass = classOf(rule.alertClass ?? declared, severity);
  const route = alertClass === 'report' ? undefined : policy.routes[alertClass];
  return {
    alertClass,
    route,
    need: rule.need ?? route?.need ?? ONCE,
    resolveAfter: rule.resolveAfter ?? route?.resolveAfter ?? 1,
    owner: rule.owner ?? policy.owner,
    rule,
  };
}

/** The hours of an owner at an instant; undefined for one who is always at work. */
export function shiftOf(owner: string | null, policy: AlertPolicy, now: Date): Shift | undefined {
  const hours = owner === null ? undefined : policy.owners[owner]?.hours;
  return hours && shiftAt(hours, now);
}

/** The silence that keeps a problem from being told; undefined where there is none. */
export function muteOf(state: AlertState, { alertClass, owner }: Handling, mutes: readonly Mute[]): Mute | undefined {
  const { fingerprint: id, check, task, step } = state;
  const subject = { id, check, task, step, class: alertClass, owner: owner ?? '' };
  return mutes.find(({ matchers }) => matches(matchers, subject));
}
