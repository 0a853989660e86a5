/** Quotes a word for a shell where it needs that. */
export function quotedForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll(`'`, String.raw`'\''`)}'`;
}
