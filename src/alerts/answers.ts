import type { CheckRule } from './policy.ts';
import type { AlertState } from './state.ts';

const SHOWN_ID = 10;

/** The beginning of a fingerprint that a person types: enough of it to be the only one. */
export function shownId({ fingerprint }: Pick<AlertState, 'fingerprint'>): string {
  return fingerprint.slice(0, SHOWN_ID);
}

/** The commands that belong into each message: where the runbook is, and how to answer the alert. */
export function commandsFor(state: AlertState, { runbook }: CheckRule): readonly string[] {
  const id = shownId(state);
  const page = runbook ?? (state.runbook === null ? undefined : `maint runbook ${state.runbook}`);
  return [
    ...(page === undefined ? [] : [page]),
    `maint alerts ack ${id} --for 4h`,
    `maint alerts close ${id} --outcome action # or no-action, false-positive, duplicate`,
  ];
}
