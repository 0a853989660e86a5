import type { AlertClass } from '../engine/concern.ts';
import { isOpen, type AlertState } from './state.ts';

/** Something that became different for a problem. */
export type ChangeKind = 'fired' | 'resolved' | 'silenced' | 'flapping';

/** A change, for the history of alerts. Plain data. */
export interface AlertChange {
  readonly kind: ChangeKind;
  readonly state: AlertState;
  /** As it is told. */
  readonly alertClass: AlertClass;
  /** UUID of the run that brought it. */
  readonly run: string;
}

/** What a run changed for one problem. */
export function changesOf(before: AlertState, { state, ...rest }: Omit<AlertChange, 'kind'>): readonly AlertChange[] {
  const kinds: readonly (readonly [ChangeKind, boolean])[] = [
    ['fired', !isOpen(before) && isOpen(state)],
    ['resolved', isOpen(before) && state.phase === 'ok'],
    ['silenced', state.muted !== null && before.muted?.silence !== state.muted.silence],
    ['flapping', state.flapping === 'notice' && before.flapping === null],
  ];
  return kinds.flatMap(([kind, isSo]) => (isSo ? [{ kind, state, ...rest }] : []));
}
