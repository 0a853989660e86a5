import { MaintError } from '../base/errors.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { StepContext } from '../engine/task.ts';
import { appendReceipt } from './receipts.ts';
import { inspectRepository } from './repository.ts';
import type { Looked } from './verify-outcome.ts';
import type { Verification } from './verify.ts';

interface Proof {
  readonly looked: Looked;
  readonly findings: Verification['findings'];
  readonly seconds: number;
}

/**
 * Leaves a receipt of a verification beside the backups of this host, where it has any. A host that only reads copies has
 * none, and a receipt that cannot be written makes no backup worse: both are said in the diary.
 */
export async function withVerifyReceipt(
  directory: string,
  { looked, findings, seconds }: Proof,
  context: StepContext,
): Promise<Outcome['facts']> {
  const { entry, label, level, now } = looked;
  try {
    if ((await inspectRepository(directory)) !== 'ours') return {};
    const receipt = await appendReceipt(directory, {
      kind: 'verify',
      backup: entry.id,
      label,
      copy: entry.store.name,
      verdict: findings.length === 0 ? 'pass' : 'fail',
      at: now,
      facts: { level, seconds, findings: findings.map(({ detail, message }) => ({ detail, message })) },
    });
    return { receipt };
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    context.log.warn({ err: error }, 'the receipt of a verification could not be written');
    return {};
  }
}
