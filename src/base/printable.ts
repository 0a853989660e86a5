import { stripVTControlCharacters } from 'node:util';

const UNPRINTABLE = /[\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/**
 * Makes foreign text safe for one line of a terminal: terminal codes, control characters and marks that reverse or hide
 * text are removed, line breaks and tabs become spaces.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .toWellFormed()
    .replaceAll(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, ' ')
    .replaceAll(UNPRINTABLE, '');
}

/** As `printable`, for a text of several lines. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(indentedPrintable).join('\n');
}

function indentedPrintable(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return indent + printable(line.slice(indent.length)).trimEnd();
}

/**
 * Takes passwords out of text that maint did not write itself: the password part of a URL, and `password=` as libpq
 * connection strings and query parameters have it. In a database URL everything up to the last `@` counts as password,
 * for people forget to encode it.
 */
export function redacted(text: string): string {
  return text
    .replaceAll(/(\bpostgres(?:ql)?:\/\/[^\s:/@]*):\S*@/gi, '$1:[secret]@')
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):(?!\[secret\])[^\s/@]*@/gi, '$1:[secret]@')
    .replaceAll(/(password\s*=\s*)(?:'(?:\\.|[^'\\])*'|[^\s&'"]+)/gi, '$1[secret]');
}
