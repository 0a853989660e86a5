import type { AlertClass } from '../engine/concern.ts';
import type { Severity } from './notification.ts';

/** Where a problem stands: not yet bad often enough, there, better but not yet for long enough, or over. */
export type Phase = 'pending' | 'firing' | 'recovering' | 'ok';

/** Somebody knows of a problem and looks after it: until then it is neither repeated nor escalated. */
interface Acknowledgement {
  readonly by: string;
  readonly note: string | null;
  /** ISO instants. */
  readonly at: string;
  readonly until: string;
}

/** The silence that kept a problem from being told. */
export interface Muting {
  /** Id of the silence, or name of the maintenance window. */
  readonly silence: string;
  readonly by: string;
  readonly reason: string;
  /** ISO instant. */
  readonly until: string;
}

/** What is known of one problem, and what the channels know of it. Plain data, stored as JSON. */
export interface AlertState {
  readonly fingerprint: string;
  readonly task: string;
  readonly step: string;
  readonly check: string;
  /** Page of its runbook; null where it has none. */
  readonly runbook: string | null;
  /** As the check declares it for a failure. */
  readonly alertClass: AlertClass;
  /** As it was told last; lowered at once when the problem gets milder. */
  readonly severity: Severity;
  /** As the newest run that looked found it. */
  readonly seen: Severity;
  readonly summary: string;
  readonly impact: string | null;
  readonly remediation: readonly string[];
  readonly phase: Phase;
  /** How it ended; null while it has not. */
  readonly ending: 'recovered' | 'gone' | null;
  /** The newest results, oldest first, at most 20: `!` a problem, `.` none. */
  readonly recent: string;
  /** The run that the newest result is of. */
  readonly lastRun: string | null;
  /** ISO instant of the newest result. */
  readonly seenAt: string;
  /** ISO instants of the last day at which it began to fire, the newest few. */
  readonly firedAt: readonly string[];
  /** ISO instant. */
  readonly firstSeenAt: string;
  /** ISO instant at which a channel last took the alarm; null while none has, and once one has taken the recovery. */
  readonly lastToldAt: string | null;
  /** ISO instant at which a channel first took the alarm of this story. */
  readonly alarmedAt: string | null;
  /** The most urgent class it was told as. */
  readonly toldClass: AlertClass | null;
  /** Names of the channels that took the alarm and do not yet know that it is over. */
  readonly deliveredTo: readonly string[];
  readonly ack: Acknowledgement | null;
  readonly muted: Muting | null;
  /** It comes and goes: `notice` until that was told, `quiet` while it goes on, `stable` once it stays as it is. */
  readonly flapping: 'notice' | 'quiet' | 'stable' | null;
  /** How many steps of the escalation were told. */
  readonly escalations: number;
}

/** Is it a problem that someone should look at now? */
export function isOpen({ phase }: Pick<AlertState, 'phase'>): boolean {
  return phase === 'firing' || phase === 'recovering';
}

/** What a state begins with, and what one lacks that an earlier version wrote. */
const BARE = {
  runbook: null,
  impact: null,
  remediation: [],
  ending: null,
  recent: '',
  lastRun: null,
  firedAt: [],
  lastToldAt: null,
  alarmedAt: null,
  toldClass: null,
  deliveredTo: [],
  ack: null,
  muted: null,
  flapping: null,
  escalations: 0,
} as const;

type Seen = Pick<
  AlertState,
  'fingerprint' | 'task' | 'step' | 'check' | 'alertClass' | 'severity' | 'summary' | 'phase' | 'firstSeenAt' | 'seenAt'
>;

/** A state of which nothing is known but what is given. */
export function bareState(seen: Seen & Partial<AlertState>): AlertState {
  return { ...BARE, seen: seen.severity, ...seen };
}

/** Reads a state as this or an earlier version stored it. */
export function readState(body: string): AlertState {
  const stored: AlertState = JSON.parse(body);
  const { task, severity, firstSeenAt, lastToldAt } = stored;
  const older: Partial<AlertState> = {
    check: task,
    alertClass: 'ticket',
    phase: 'firing',
    recent: '!',
    seen: severity,
    seenAt: firstSeenAt,
    alarmedAt: lastToldAt,
  };
  return { ...BARE, ...older, ...stored };
}
