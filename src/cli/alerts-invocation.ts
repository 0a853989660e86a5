import type { AlertOutcome } from '../engine/concern.ts';
import type { CommonFlags, Format } from './invocation.ts';

interface Shared {
  readonly format: Format;
  readonly common: CommonFlags;
}

/** Look at alerts. */
export interface AlertsListInvocation extends Shared {
  readonly kind: 'alerts-list';
  /** Also what is over, and what is not yet a problem. */
  readonly all: boolean;
}

/** One alert by the beginning of its id: all of it, or why it went where it went. */
export interface AlertsShowInvocation extends Shared {
  readonly kind: 'alerts-show' | 'alerts-explain';
  readonly id: string;
}

/** I know, and look after it. */
export interface AlertsAckInvocation extends Shared {
  readonly kind: 'alerts-ack';
  readonly id: string;
  readonly forMs: number;
  readonly by: string | undefined;
  readonly note: string | undefined;
}

/** This is what it was. */
export interface AlertsCloseInvocation extends Shared {
  readonly kind: 'alerts-close';
  readonly id: string;
  readonly outcome: AlertOutcome;
  readonly by: string | undefined;
  readonly note: string | undefined;
}

/** Were they worth it? */
export interface AlertsStatsInvocation extends Shared {
  readonly kind: 'alerts-stats';
  readonly sinceMs: number;
}

/** What would have been told with other settings? */
export interface AlertsTuneInvocation extends Shared {
  readonly kind: 'alerts-tune';
  readonly check: string;
  readonly sinceMs: number;
  /** As in the configuration: `2`, `2 of 3`; many are tried where left out. */
  readonly need: string | undefined;
  readonly resolveAfter: number | undefined;
  readonly sample: string | undefined;
  readonly warnAt: number | undefined;
  readonly failAt: number | undefined;
  readonly isBelow: boolean;
}

/** Do not tell me of this for a while. */
export interface SilenceAddInvocation extends Shared {
  readonly kind: 'silence-add';
  readonly match: readonly string[];
  readonly forMs: number;
  readonly by: string | undefined;
  readonly reason: string;
  readonly untilResolved: boolean;
}

export interface SilenceListInvocation extends Shared {
  readonly kind: 'silence-list';
  /** Only those that are on and match nothing. */
  readonly isStale: boolean;
}

export interface SilenceExpireInvocation extends Shared {
  readonly kind: 'silence-expire';
  readonly id: string;
}

/** `maint alerts …` but for `test`, and `maint silence …`. */
export type AlertsInvocation =
  | AlertsListInvocation
  | AlertsShowInvocation
  | AlertsAckInvocation
  | AlertsCloseInvocation
  | AlertsStatsInvocation
  | AlertsTuneInvocation
  | SilenceAddInvocation
  | SilenceListInvocation
  | SilenceExpireInvocation;
