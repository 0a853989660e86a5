import { createHash } from 'node:crypto';

/** Where the block of a project stands in a crontab. */
export interface Block {
  /** Everything before it; its own first line begins at the start of a line. */
  readonly before: Buffer;
  readonly after: Buffer;
  /** False where it is not as maint wrote it. */
  readonly isIntact: boolean;
  /** Did maint end the line before it, which had no end? */
  readonly addedNewline: boolean;
}

/** A crontab with one block, or none; or why nobody can tell where the block is. */
type FoundBlock = { readonly block: Block | undefined } | { readonly fault: string };

const NEWLINE_ADDED = ' newline-added';

/** Looks for the block of a project. Works on bytes, for a crontab of other people can be in any encoding. */
export function findBlock(crontab: Buffer, project: string): FoundBlock {
  const lines = linesOf(crontab);
  const begins = lines.filter(({ text }) => isMarker(text, 'BEGIN', project));
  const ends = lines.filter(({ text }) => isMarker(text, 'END', project));
  const [begin, end] = [begins[0], ends[0]];
  if (begin === undefined && end === undefined) return { block: undefined };
  if (begin === undefined || end === undefined || begins.length + ends.length > 2 || begin.start > end.start) {
    const marks = [...begins, ...ends].map(({ number }) => number).toSorted((a, b) => a - b);
    return { fault: `the BEGIN and END lines of maint ${project} do not match (lines ${marks.join(', ')})` };
  }
  const body = crontab.subarray(begin.end, end.start);
  const [, hash, addition] = /^# BEGIN maint \S+ v1 sha256:([0-9a-f]{64})( newline-added)?$/.exec(begin.text) ?? [];
  return {
    block: {
      before: crontab.subarray(0, begin.start),
      after: crontab.subarray(end.end),
      isIntact: hash === sha256(body) && end.text === `# END maint ${project}`,
      addedNewline: addition !== undefined,
    },
  };
}

/** The block as text: lines between two marks, of which the first holds their checksum. */
export function blockText(project: string, lines: readonly string[], addedNewline = false): string {
  const body = lines.map((line) => `${line}\n`).join('');
  const mark = `# BEGIN maint ${project} v1 sha256:${sha256(Buffer.from(body))}${addedNewline ? NEWLINE_ADDED : ''}`;
  return `${mark}\n${body}# END maint ${project}\n`;
}

/** Puts the lines of a project in the place of its block, or at the end. Every other byte stays. */
export function withBlock(
  crontab: Buffer,
  block: Block | undefined,
  { project, lines }: { readonly project: string; readonly lines: readonly string[] },
): Buffer {
  if (block !== undefined)
    return Buffer.concat([block.before, Buffer.from(blockText(project, lines, block.addedNewline)), block.after]);
  const isOpen = crontab.length > 0 && crontab.at(-1) !== NEWLINE;
  return Buffer.concat([crontab, Buffer.from(isOpen ? '\n' : ''), Buffer.from(blockText(project, lines, isOpen))]);
}

/** Takes the block of a project out again. */
export function withoutBlock({ before, after, addedNewline }: Block): Buffer {
  const isAdded = addedNewline && after.length === 0 && before.at(-1) === NEWLINE;
  return Buffer.concat([isAdded ? before.subarray(0, -1) : before, after]);
}

const NEWLINE = 0x0a;

interface Line {
  readonly number: number;
  readonly start: number;
  /** Behind its line break. */
  readonly end: number;
  /** Each byte as one character, without the line break. */
  readonly text: string;
}

function linesOf(bytes: Buffer): readonly Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found === -1 ? bytes.length : found + 1;
    const text = bytes.toString('latin1', start, found === -1 ? end : found);
    lines.push({ number: lines.length + 1, start, end, text });
    start = end;
  }
  return lines;
}

/** Also a mark that someone has changed behind the name; a name that only begins alike is another project. */
function isMarker(line: string, word: 'BEGIN' | 'END', project: string): boolean {
  const mark = `# ${word} maint ${project}`;
  return line.startsWith(mark) && /^(\s|$)/.test(line.slice(mark.length));
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
