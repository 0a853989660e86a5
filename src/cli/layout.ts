const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

const PLAIN = /^[ -~]*$/;

/** How many columns of a terminal a text takes: East Asian characters and pictures take two, combining marks none. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += /\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Fills a text up with spaces on the right. */
export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/**
 * Breaks a text into lines between words. A word that is longer than a line (a path, a command) stays whole, for a
 * person must be able to copy it.
 */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && displayWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** Lines of a text that begins after `lead` and goes on below its own beginning. */
export function hanging(lead: string, text: string, width: number): readonly string[] {
  const indent = displayWidth(lead);
  const [first = '', ...rest] = wrapped(text, Math.max(24, width - indent));
  return [lead + first, ...rest.map((line) => ' '.repeat(indent) + line)];
}

/** Terms on the left, what they mean on the right, wrapped below itself. */
export function definitions(
  items: readonly (readonly [term: string, meaning: string])[],
  { columns, termWidth }: { readonly columns: number; readonly termWidth?: number },
): readonly string[] {
  const width = termWidth ?? Math.max(0, ...items.map(([term]) => displayWidth(term)));
  return items.flatMap(([term, meaning]) => hanging(`  ${padded(term, width)}  `, meaning, columns));
}
