/** How urgent a problem is for people: `page` wakes someone, `ticket` waits for the owner's hours, `report` for the weekly report. */
export const ALERT_CLASSES = ['page', 'ticket', 'report'] as const;
export type AlertClass = (typeof ALERT_CLASSES)[number];

/** What a person found when they looked after an alert: the only way to know whether it was worth it. */
export const ALERT_OUTCOMES = ['action', 'no-action', 'false-positive', 'duplicate'] as const;
export type AlertOutcome = (typeof ALERT_OUTCOMES)[number];

/** Which part of a system a check is about. */
export const DIMENSIONS = ['service', 'dependencies', 'resources', 'certificates', 'data', 'meta'] as const;
type Dimension = (typeof DIMENSIONS)[number];

/** Why a step matters to people, and how urgently: the same for every step of a check. */
export interface Concern {
  /** The page of its runbook, such as `disk`: `maint runbook disk` prints it. */
  readonly check: string;
  readonly dimension: Dimension;
  /** The class of a failure; a warning of it is at most a ticket. */
  readonly alertClass: AlertClass;
  /** Why it matters: one line, no full stop. */
  readonly impact: string;
}
