import { MaintError } from '../base/errors.ts';
import { warn, type Outcome } from '../engine/outcome.ts';
import type { StepContext } from '../engine/task.ts';
import { appendReceipt, type ReceiptFacts } from './receipts.ts';

interface Place {
  readonly directory: string;
  readonly label: string;
  /** Id of the backup. */
  readonly backup: string;
  /** Which of its copies. */
  readonly copy: string;
}

/**
 * Tries a backup out, and leaves a receipt of whatever was found out, or of that nothing could be.
 * @throws what `work` throws, as something that says nothing about the backup
 */
export async function withEvidence(place: Place, context: StepContext, work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await withReceipt(place, context, await work());
  } catch (error) {
    if (context.signal.aborted || !(error instanceof MaintError)) throw error;
    await receipt(place, context, 'inconclusive', { summary: error.message }).catch((cause: unknown) =>
      context.log.warn({ err: cause }, 'the receipt could not be written'),
    );
    throw inconclusive(error);
  }
}

/** A test without evidence is still a test. */
async function withReceipt(place: Place, context: StepContext, outcome: Outcome): Promise<Outcome> {
  // That the restore gets slower, or that another place did not answer, is a warning: this backup was restored.
  const verdict = outcome.status === 'fail' ? 'fail' : 'pass';
  try {
    const path = await receipt(place, context, verdict, { summary: outcome.summary, ...outcome.facts });
    return { ...outcome, facts: { ...outcome.facts, receipt: path } };
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    if (verdict === 'fail') return outcome;
    const summary = `${outcome.summary}; but no receipt could be written: ${error.message}`;
    return warn(summary, [error.hint], { ...outcome, detail: 'receipt.unwritten' });
  }
}

async function receipt(
  { directory, ...place }: Place,
  context: StepContext,
  verdict: ReceiptFacts['verdict'],
  facts: ReceiptFacts['facts'],
): Promise<string> {
  return appendReceipt(directory, { ...place, kind: 'restore-test', at: context.now(), verdict, facts });
}

/** Whatever kept the backup from being tried out says nothing about the backup. */
function inconclusive(error: MaintError): MaintError {
  if (error.exitCode === 4) return error;
  const { message, hint, detail, cause } = error;
  return new MaintError('RESTORE_INCONCLUSIVE', message, { hint, cause, ...(detail !== undefined && { detail }) });
}
