import type { MaintError } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import { openJournal } from '../engine/sqlite-journal.ts';
import { AT_WORK_ELSEWHERE, DONE_ELSEWHERE } from '../schedule/standing.ts';
import { jobLine } from './ledger-line.ts';
import { reporter, type Plan } from './reporting.ts';
import { isAtWorkElsewhere } from './turn.ts';

/**
 * A scheduled run that found nothing to do leaves a line in the journal, so that "it never ran" has an answer. One that a
 * tick begins again every five minutes leaves one line, not dozens.
 */
export function noteSkipped(plan: Plan, error: MaintError, world: World): void {
  using journal = openJournal(plan.stateDirectory, world.now());
  const isNew = jobLine(plan, journal.ledger, world).note(reasonOf(error));
  if (!isNew && plan.invocation.scheduled !== undefined) return;
  const writing = reporter(plan, world);
  journal.begin(writing.start());
  journal.finish(writing.finish({ tasks: [], stoppedBy: null, assumptions: [], notices: () => [error.message] }));
}

/** The same from try to try, unlike the message, which names processes and times. */
function reasonOf(error: MaintError): string {
  if (error.code === 'SLOT_DONE') return DONE_ELSEWHERE;
  return isAtWorkElsewhere(error) ? AT_WORK_ELSEWHERE : 'another run held the lock';
}
