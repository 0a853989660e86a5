import { depthOf, factsOf, isRead, levelOf, type VerifyLevel } from './receipt-facts.ts';
import type { Receipt } from './receipts.ts';

/** A look at a copy that found it bad, and that no later one as deep has put right. */
export interface Failure {
  /** Which copy. */
  readonly copy: string;
  /** How deep the look was. */
  readonly level: VerifyLevel;
  readonly at: Date;
  /** One line for each thing that was found. */
  readonly findings: readonly string[];
  /** What is wrong was wrong before it was copied, so every copy has it. */
  readonly isEverywhere: boolean;
}

/** What is known to be bad of one backup: at most one for each of its copies. */
export function openFailures(receipts: readonly Receipt[]): readonly Failure[] {
  return [...Map.groupBy(receipts, ({ copy }) => copy).values()].flatMap((each) => openFailure(each) ?? []);
}

/** The newest that is not put right: a shallow look that failed and passed again says nothing of a deeper one before it. */
function openFailure(here: readonly Receipt[]): Failure | undefined {
  const failed = here.findLast(
    (receipt) => isFailure(receipt) && !here.some((later) => later.number > receipt.number && mends(later, receipt)),
  );
  if (failed === undefined) return undefined;
  const findings = factsOf(failed).findings.map(({ message }) => message);
  const { copy, at } = failed;
  return { copy, level: levelOf(failed), at: new Date(at), findings, isEverywhere: hasFinding(failed, OF_CONTENT) };
}

/** A restore test also fails where it was slow, or an assertion did not hold: only what the backup lacks speaks against it. */
function isFailure(receipt: Receipt): boolean {
  const { kind, verdict } = receipt;
  if (verdict !== 'fail') return false;
  return kind === 'verify' || kind === 'copy' || (kind === 'restore-test' && hasFinding(receipt, OF_BACKUP));
}

/** Only as deep a look as the one that failed says that all is well again, or that the copy was made anew. */
function mends(receipt: Receipt, failed: Receipt): boolean {
  const { kind, verdict } = receipt;
  if (verdict !== 'pass') return false;
  if (kind === 'copy') return isRead(receipt) && !hasFinding(failed, OF_CONTENT);
  // A restore looks at the database alone, not at what lies beside its dump.
  if (kind === 'restore-test') return failed.kind === 'restore-test';
  return kind === 'verify' && depthOf(levelOf(receipt)) >= depthOf(levelOf(failed));
}

const OF_BACKUP = /^restore\.(?:checksum_mismatch|load_failed|rows_mismatch)$/;
/** Right bytes with the wrong things in them: to send them once more would change nothing. */
const OF_CONTENT = /^(?:verify\.(?:undecodable|rows_mismatch|schema_mismatch)|restore\.(?:load_failed|rows_mismatch))$/;

function hasFinding(receipt: Receipt, details: RegExp): boolean {
  return factsOf(receipt).findings.some(({ detail }) => details.test(detail));
}
