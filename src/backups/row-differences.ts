import { formatCount, plural } from '../base/units.ts';

/** A table whose rows differ between two countings; undefined where it is missing. */
export interface RowDifference {
  readonly table: string;
  readonly expected: number | undefined;
  readonly found: number | undefined;
}

const SHOWN_TABLES = 5;

/** Compares two countings, table by table, sorted by name. */
export function compareRows(
  expected: ReadonlyMap<string, number>,
  found: ReadonlyMap<string, number>,
): readonly RowDifference[] {
  return [...new Set([...expected.keys(), ...found.keys()])]
    .toSorted()
    .map((table) => ({ table, expected: expected.get(table), found: found.get(table) }))
    .filter((difference) => difference.expected !== difference.found);
}

/** The first few tables that differ: `public.users has 3 rows, expected 5; and 2 more tables`. */
export function describeDifferences(differences: readonly RowDifference[]): string {
  const shown = differences.slice(0, SHOWN_TABLES).map(({ table, expected, found }) => {
    if (found === undefined) return `${table} is missing`;
    if (expected === undefined) return `${table} is not expected`;
    return `${table} has ${plural(found, 'row')}, expected ${formatCount(expected)}`;
  });
  const more = differences.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${plural(more, 'more table')}`] : [])].join('; ');
}
