import { printable } from '../base/printable.ts';

/** Text that every receiver can take: one line without control characters, hidden marks and halves of characters. */
export function oneLine(text: string): string {
  return printable(text).trim();
}

/** The text, or its beginning and `…`, in at most `limit` UTF-16 units; never ends in half a character. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, Math.max(0, limit - 1)).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Renders with ever smaller limits until the result fits; the last one where none does. */
export function fitted<Result>(
  limits: readonly [number, ...number[]],
  render: (limit: number) => Result,
  fits: (result: Result) => boolean,
): Result {
  const [limit, next, ...rest] = limits;
  const result = render(limit);
  return next === undefined || fits(result) ? result : fitted([next, ...rest], render, fits);
}

/** An instant for people: `2026-01-05 03:17 UTC`. */
export function shownInstant(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}
