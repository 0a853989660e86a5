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

const CUT = ' … (shortened)';

/** As `clip`, for texts that people read to the end: it says that something is missing. */
export function shortened(text: string, limit: number): string {
  if (text.length <= limit || limit <= CUT.length) return clip(text, limit);
  return clip(text, limit - CUT.length + 1).slice(0, -1) + CUT;
}

/** As `shortened`, in at most `limit` bytes of UTF-8. */
export function shortenedToBytes(text: string, limit: number): string {
  if (Buffer.byteLength(text) <= limit) return text;
  let result = '';
  let left = limit - Buffer.byteLength(CUT);
  for (const character of text) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    result += character;
  }
  return result + CUT;
}

/** How much of a message is shown. */
export interface Room {
  /** Characters for each text of one notification. */
  readonly limit: number;
  /** Notifications. */
  readonly count: number;
}

/** Ten notifications with ever shorter texts, then ever fewer of them. */
export function roomsOf(...limits: readonly [number, ...number[]]): readonly [Room, ...Room[]] {
  const [first, ...rest] = limits;
  const least = limits.at(-1) ?? first;
  return [
    { limit: first, count: 10 },
    ...rest.map((limit) => ({ limit, count: 10 })),
    ...[7, 4, 2, 1].map((count) => ({ limit: least, count })),
  ];
}

/** Renders in ever smaller rooms until the result fits; the last one where none does. */
export function fitted<Result>(
  rooms: readonly [Room, ...Room[]],
  render: (room: Room) => Result,
  fits: (result: Result) => boolean,
): Result {
  const [room, next, ...rest] = rooms;
  const result = render(room);
  return next === undefined || fits(result) ? result : fitted([next, ...rest], render, fits);
}

/** An instant for people: `2026-01-05 03:17 UTC`. */
export function shownInstant(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}
