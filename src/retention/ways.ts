import type { Reader } from '../adapters/postgres.ts';
import { deleteRows } from './action.ts';
import { lookAtArchive } from './archive.ts';
import { lookAtMarking, type Mark } from './marking.ts';
import { markRows } from './mark-rows.ts';
import type { NarrowQuestion } from './narrow.ts';
import { PLAIN_ROWS } from './pace.ts';
import type { Found } from './prepare.ts';
import { blockingRefusals, companionsOf, findReferences, triggerRefusals, unindexedRefusals } from './references.ts';
import type { Refusal } from './refusal.ts';

/** What becomes of the rows that a rule takes, and what stands in the way. */
export interface Way extends Pick<Found, 'action' | 'references' | 'companions'> {
  readonly refusals: readonly Refusal[];
  /** What a dry run says of it. */
  readonly lines: readonly string[];
}

/** Looks at how the rows of a rule would go. */
export async function lookAtWay(database: Reader, question: NarrowQuestion, mark: Mark | undefined): Promise<Way> {
  if (mark === undefined) return lookAtDeletion(database, question);
  const { rule, root, family } = question;
  const { marking, ...looked } = await lookAtMarking(database, { rule, root, oids: family.oids }, mark);
  return { ...looked, action: markRows(marking), references: [] };
}

async function lookAtDeletion(database: Reader, question: NarrowQuestion): Promise<Way> {
  const { rule, family, doom } = question;
  const { archive } = rule;
  const references = await findReferences(database, family);
  const unindexed = unindexedRefusals(references);
  const isArchived = archive !== undefined;
  const refusals = [
    ...unindexed,
    // Without an index the question alone would read all of the child for each row.
    ...(unindexed.length > 0 ? [] : await blockingRefusals(database, { references, family, doom, isArchived })),
    ...(await triggerRefusals(database, { family, references, rule })),
  ];
  const companions = companionsOf(references);
  const plain: Way = { action: deleteRows(PLAIN_ROWS), references, companions, refusals, lines: [] };
  if (archive === undefined) return plain;
  const archiving = await lookAtArchive(database, { ...question, references }, archive);
  return { ...plain, ...archiving, refusals: [...refusals, ...archiving.refusals] };
}
