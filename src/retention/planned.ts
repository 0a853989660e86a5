import { MaintError, type ErrorCode } from '../base/errors.ts';
import type { Step } from '../engine/task.ts';
import { performRule, type Together } from './perform.ts';
import { intentOf, type Prepared } from './prepare.ts';

/** A rule that was looked at, or about which something could not be found out. */
export type Planned = { readonly title: string } & ({ readonly prepared: Prepared } | { readonly error: MaintError });

/** What keeps one rule from being looked at says nothing about the next. */
const RULE_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'PERMISSION_MISSING',
  'STATEMENT_FAILED',
  'STATEMENT_TIMED_OUT',
  'LOCK_TIMED_OUT',
]);

/** Looks at a rule. @throws MaintError for what concerns every rule, such as a lost connection */
export async function planned(title: string, look: () => Promise<Prepared>): Promise<Planned> {
  try {
    return { title, prepared: await look() };
  } catch (error) {
    if (error instanceof MaintError && RULE_ERRORS.has(error.code)) return { title, error };
    throw error;
  }
}

/** Makes the step of a rule. */
export function stepOf(one: Planned, together: Together): Step {
  const { title } = one;
  if ('error' in one) {
    const { error } = one;
    return { title, intent: [`not clear: ${error.message}`], perform: () => Promise.reject(error) };
  }
  const { prepared } = one;
  return {
    title,
    intent: intentOf(prepared),
    perform: (context) => performRule(prepared, together, context),
  };
}
