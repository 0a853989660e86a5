import { footerOf, shownOf, type AlertMessage } from '../message.ts';
import type { Room } from '../text.ts';
import { entriesOf, type Entry } from './entries.ts';

/** A whole message as lines of plain text, as much of it as there is room for. */
export function plainText(message: AlertMessage, room: Room): string {
  const { more } = shownOf(message, room.count);
  return [
    ...entriesOf(message, room).flatMap(linesOf),
    ...(more > 0 ? [`+${more} more`, ''] : []),
    footerOf(message),
  ].join('\n');
}

function linesOf({ title, summary, facts, remediation }: Entry): readonly string[] {
  return [
    title,
    summary,
    ...facts.map(({ name, value }) => `${name}: ${value}`),
    ...remediation.map((line) => `→ ${line}`),
    '',
  ];
}
