import type { Reader } from '../adapters/postgres.ts';
import { formatCount, formatShare } from '../base/units.ts';
import { deletion } from './batches.ts';
import { countDoomed, shareRefusals, type Counts } from './count.ts';
import { cutoffOf, type Instant } from './cutoff.ts';
import { readWhere, type Doom } from './doomed.ts';
import { FIRST_ROWS } from './pace.ts';
import { firstPosition, strategyOf } from './ranges.ts';
import { blockingRefusals, findReferences, triggerRefusals, unindexedRefusals, type Reference } from './references.ts';
import type { Refusal } from './refusal.ts';
import type { Rule } from './settings.ts';
import { findFamily, type Target } from './target.ts';

/** A rule that was looked at: why it must not begin, and what it is about as far as that is known. */
export interface Prepared {
  readonly rule: Rule;
  readonly refusals: readonly Refusal[];
  readonly found?: Found;
}

/** What a rule is about. */
export interface Found {
  readonly targets: readonly Target[];
  readonly doom: Doom;
  readonly counts: Counts;
  readonly references: readonly Reference[];
  /** The statement of the first batch, with its parameters; undefined where no row is old. */
  readonly firstBatch: string | undefined;
}

/** Where and when a rule is looked at. */
export interface Surroundings {
  readonly database: Reader;
  readonly from: Instant;
  /** IANA name: where a day begins. */
  readonly timezone: string;
}

/** Looks at everything a rule would touch, and deletes nothing. @throws MaintError where it cannot find out */
export async function prepareRule(rule: Rule, { database, from, timezone }: Surroundings): Promise<Prepared> {
  const family = await findFamily(database, rule);
  if ('reason' in family) return { rule, refusals: [family] };
  const { targets } = family;
  const [first] = targets;
  if (first === undefined) return { rule, refusals: [] };
  const cutoff = await cutoffOf(database, { rule, type: first.ageType, from, timezone });
  if ('reason' in cutoff) return { rule, refusals: [cutoff] };
  const condition = await readWhere(database, rule, targets);
  if ('reason' in condition) return { rule, refusals: [condition] };
  const doom = { cutoff, where: condition.where };
  const references = await findReferences(database, family);
  const unindexed = unindexedRefusals(references);
  const counts = await countDoomed(database, targets, doom);
  const refusals = [
    ...unindexed,
    // Without an index the question alone would read all of the child for each row.
    ...(unindexed.length > 0 ? [] : await blockingRefusals(database, { references, family, doom })),
    ...(await triggerRefusals(database, { family, references, rule })),
    ...shareRefusals(counts, rule),
  ];
  const firstBatch = await firstBatchOf(database, targets, doom);
  return { rule, refusals, found: { targets, doom, counts, references, firstBatch } };
}

async function firstBatchOf(database: Reader, targets: readonly Target[], doom: Doom): Promise<string | undefined> {
  const canReadBlocks = (await database.server()).major >= 14;
  for (const target of targets) {
    const position = await firstPosition({ database, target, doom, canReadBlocks });
    if (position === undefined) continue;
    const { text, values } = deletion(target, (await position(FIRST_ROWS)).condition);
    const given = values.map((value, index) => `$${index + 1} = ${String(value)}`).join(', ');
    return `${text.replaceAll(/\s+/g, ' ').trim()} -- ${given}`;
  }
  return undefined;
}

/** What a dry run shows of a rule, one line each. */
export function intentOf({ rule, refusals, found }: Prepared): readonly string[] {
  const refused = refusals.map(({ reason }) => `refused: ${reason}`);
  if (found === undefined) return refused;
  const { targets, doom, counts, references, firstBatch } = found;
  const { doomed, total, isExact, oldest, newest, samples } = counts;
  const share = total === 0 ? 0 : doomed / total;
  return [
    ...refused,
    `delete from ${rule.table} what is older than ${rule.olderThan}: ${rule.age} before ${doom.cutoff.key}`,
    `${isExact ? '' : 'about '}${formatCount(doomed)} of ${formatCount(total)} rows (${formatShare(share)})` +
      (oldest === null ? '' : `, from ${oldest} to ${newest ?? ''}`),
    ...(samples.length === 0 ? [] : [`such as ${samples.join(', ')}`]),
    ...strategies(targets),
    ...references.filter(({ onDelete }) => onDelete !== 'NO ACTION' && onDelete !== 'RESTRICT').map(follows),
    ...(firstBatch === undefined ? [] : [firstBatch]),
  ];
}

function strategies(targets: readonly Target[]): readonly string[] {
  const groups = Map.groupBy(targets, strategyOf);
  return [...groups].map(([strategy, members]) => {
    const [first] = members;
    const others = members.length > 1 ? ` and ${members.length - 1} more` : '';
    return `${first?.name ?? ''}${others}: ${strategy}`;
  });
}

function follows({ child, constraint, onDelete }: Reference): string {
  return onDelete === 'CASCADE'
    ? `rows of ${child} that refer to them go too (${constraint})`
    : `rows of ${child} that refer to them are changed: ${onDelete} (${constraint})`;
}
