import { displayWidth } from '../src/cli/layout.ts';

const CELL = { width: 8.4, height: 19 };
const MARGIN = 18;
const BAR = 36;
/** An escape sequence, its numbers caught. */
const SEQUENCE = new RegExp(String.raw`${String.fromCodePoint(27)}\[([\d;]*)[A-Za-z]`);
const FONT = `ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace`;

/** Foreground colours by their number in an escape sequence; the others stay as they are. */
const COLORS: ReadonlyMap<number, string> = new Map([
  [31, '#ff7b72'],
  [32, '#56d364'],
  [33, '#e3b341'],
  [36, '#76e3ea'],
]);

/** How text looks until the next escape sequence. */
interface Look {
  readonly color: string | undefined;
  readonly isBold: boolean;
  readonly isDim: boolean;
}

const PLAIN: Look = { color: undefined, isBold: false, isDim: false };

/**
 * Draws what a terminal shows as an SVG: a dark window, no fonts or files from elsewhere.
 * @param screen text with escape sequences for colour, bold and dim; others are left out
 * @param columns how wide the terminal is
 * @see https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters
 */
export function terminalSvg(screen: string, columns: number): string {
  const lines = screen.split('\n').map(lastDrawn);
  const width = Math.ceil(columns * CELL.width + 2 * MARGIN);
  const height = Math.ceil(BAR + lines.length * CELL.height + MARGIN);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>maint in a terminal</title>`,
    `<rect width="${width}" height="${height}" rx="9" fill="#0d1117" stroke="#30363d"/>`,
    ...['#ff5f57', '#febc2e', '#28c840'].map(
      (color, index) => `<circle cx="${20 + index * 20}" cy="19" r="6" fill="${color}"/>`,
    ),
    `<g font-family="${FONT}" font-size="14" fill="#e6edf3">`,
    ...drawn(lines),
    `</g>`,
    `</svg>`,
  ].join('\n')}\n`;
}

/** A progress line was drawn over by what came after it. */
function lastDrawn(line: string): string {
  return line.split('\r\u001B[K').at(-1) ?? '';
}

/** The look goes on from line to line, as in a terminal. */
function drawn(lines: readonly string[]): readonly string[] {
  let look = PLAIN;
  return lines.flatMap((line, row) => {
    let column = 0;
    // Text and escape sequences take turns.
    return line.split(SEQUENCE).flatMap((part, index) => {
      if (index % 2 === 1) {
        look = part.split(';').map(Number).reduce(changed, look);
        return [];
      }
      const start = column;
      column += displayWidth(part);
      return words(part).map(({ text, offset }) => element(text, { column: start + offset, row, look }));
    });
  });
}

function changed(look: Look, code: number): Look {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...look, isBold: true };
  if (code === 2) return { ...look, isDim: true };
  if (code === 22) return { ...look, isBold: false, isDim: false };
  if (code === 39) return { ...look, color: undefined };
  return { ...look, color: COLORS.get(code) ?? look.color };
}

/** Runs of words with single blanks between them; wider gaps are made by position, which every viewer respects. */
function words(text: string): readonly { readonly text: string; readonly offset: number }[] {
  return [...text.matchAll(/\S+(?: \S+)*/g)].map((match) => ({
    text: match[0],
    offset: displayWidth(text.slice(0, match.index)),
  }));
}

interface Place {
  readonly column: number;
  readonly row: number;
  readonly look: Look;
}

/** The width is said, so that columns stay columns in whatever font the viewer has. */
function element(text: string, { column, row, look }: Place): string {
  const x = (MARGIN + column * CELL.width).toFixed(1);
  const y = BAR + (row + 0.75) * CELL.height;
  const length = (displayWidth(text) * CELL.width).toFixed(1);
  const style = [
    ...(look.color === undefined ? [] : [` fill="${look.color}"`]),
    ...(look.isBold ? [' font-weight="bold"'] : []),
    ...(look.isDim ? [' opacity="0.6"'] : []),
  ].join('');
  return `<text x="${x}" y="${y.toFixed(1)}" textLength="${length}" lengthAdjust="spacingAndGlyphs"${style}>${escaped(text)}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
