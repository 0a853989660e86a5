import type { Concern } from '../engine/concern.ts';
import { skip, type Outcome } from '../engine/outcome.ts';
import type { Step, StepContext } from '../engine/task.ts';
import type { Check, DatabaseQuestion, Question } from './check.ts';
import { isOutOfReach } from './unanswered.ts';

/** Whether the database answers, as far as the steps before have found out. */
export interface Gate {
  /** The title of the step that found out that it does not, or that has not found out yet that it does. */
  closedBy: string | undefined;
}

/**
 * Makes a step of a question. No server is asked that does not answer, or that went away in between: one problem, one
 * alert. What needs no database is looked at beside all else.
 */
export function stepOf(check: Check, question: Question, gate: Gate): Step {
  const { title } = question;
  const step = { title, concern: concernOf(check, question) };
  // Closed until the step that decides has opened it, which it does not when a drill forces it to fail.
  if ('decides' in question) gate.closedBy = title;
  if ('look' in question) return { ...step, isConcurrent: true, perform: (context) => question.look(context) };
  return { ...step, perform: (context) => askThrough(gate, question, context) };
}

function concernOf({ id, dimension, alertClass, impact }: Check, question: Question): Concern {
  return { check: id, dimension, alertClass: question.alertClass ?? alertClass, impact };
}

async function askThrough(gate: Gate, question: DatabaseQuestion, context: StepContext): Promise<Outcome> {
  const { title, decides } = question;
  if (gate.closedBy !== undefined && decides !== true)
    return skip('the database does not answer', { facts: { inhibitedBy: gate.closedBy } });
  try {
    const outcome = await question.ask(context.database, context);
    if (decides === true) gate.closedBy = outcome.status === 'fail' ? title : undefined;
    return outcome;
  } catch (error) {
    if (isOutOfReach(error)) gate.closedBy = title;
    throw error;
  }
}
