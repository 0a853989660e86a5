import { fragment, ident, type Fragment } from '../adapters/sql.ts';

/*
 * A condition that asks another table about a row must not mistake columns of that table for columns of the row. Within
 * the question the columns of the other table have names of their own, so that the bare ones are always those of the row.
 */

/** `"id" AS "maint_0", "day" AS "maint_1"`. */
export function renamed(names: readonly string[]): Fragment {
  return listed(names.map((name, index) => fragment`${ident(name)} AS ${ident(`maint_${index}`)}`));
}

/** The renamed columns are equal to these of the row. */
export function namesRow(names: readonly string[]): Fragment {
  return allOf(names.map((name, index) => fragment`${ident(`maint_${index}`)} = ${ident(name)}`));
}

/** Fragments with AND between them; at least one. */
export function allOf(parts: readonly Fragment[]): Fragment {
  return parts.reduce((all, next) => fragment`${all} AND ${next}`);
}

/** Fragments with commas between them; at least one. */
export function listed(parts: readonly Fragment[]): Fragment {
  return parts.reduce((all, next) => fragment`${all}, ${next}`);
}

/** Names of columns with commas between them; at least one. */
export function columnsOf(names: readonly string[]): Fragment {
  return listed(names.map((name) => fragment`${ident(name)}`));
}
