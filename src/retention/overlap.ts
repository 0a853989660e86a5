import type { Reader } from '../adapters/postgres.ts';
import { fragment } from '../adapters/sql.ts';
import { formatCount } from '../base/units.ts';
import { countLeft } from './count.ts';
import { doomed } from './doomed.ts';
import type { Found } from './prepare.ts';

/** A rule that runs before another. */
export interface Before extends Pick<Found, 'targets' | 'doom' | 'counts'> {
  readonly name: string;
}

/** What rules before this one leave of its rows, where they are about the same table; for a dry run. */
export async function overlapLines(
  database: Reader,
  { targets, doom, counts }: Pick<Found, 'targets' | 'doom' | 'counts'>,
  before: readonly Before[],
): Promise<readonly string[]> {
  const own = new Set(targets.map(({ oid }) => oid));
  const rivals = before.filter((one) => one.counts.doomed > 0 && one.targets.some(({ oid }) => own.has(oid)));
  if (rivals.length === 0 || counts.doomed === 0) return [];
  let left = doom.where;
  for (const { targets: others, doom: theirs } of rivals) {
    const [other] = others;
    if (other !== undefined) left = fragment`${left} AND (${doomed(other, theirs)}) IS NOT TRUE`;
  }
  const rows = await countLeft(database, targets, { ...doom, where: left });
  if (rows >= counts.doomed) return [];
  const names = rivals.map(({ name }) => name).join(' and ');
  return [
    `${formatCount(counts.doomed - rows)} of them go by ${names} before, ${formatCount(rows)} are left for this rule`,
  ];
}
