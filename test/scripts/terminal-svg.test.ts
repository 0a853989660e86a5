import { expect, test } from 'vitest';
import { terminalSvg } from '../../scripts/terminal-svg.ts';

/** The text elements of a picture: what they say, where, and how. */
function texts(screen: string): readonly string[] {
  return [...terminalSvg(screen, 80).matchAll(/<text x="([\d.]+)" y="([\d.]+)"([^>]*)>([^<]*)</g)].map(
    ([, x, y, style = '', text]) => `${text} @${x},${y}${style.replace(/ textLength="[\d.]+" lengthAdjust="\w+"/, '')}`,
  );
}

test('columns stay columns: words stand where the terminal shows them', () => {
  const [first, second] = texts('ab  cd');
  expect(first).toMatch(/^ab @18\.0,/);
  expect(second).toMatch(/^cd @51\.6,/);
});

test('colour, bold and dim begin and end where the terminal says', () => {
  expect(
    texts('\u001B[31m✗\u001B[39m plain \u001B[1mbold\u001B[22m  \u001B[2mdim\u001B[0m end').map((text) =>
      text.replace(/ @\S+/, ''),
    ),
  ).toEqual(['✗ fill="#ff7b72"', 'plain', 'bold font-weight="bold"', 'dim opacity="0.6"', 'end']);
});

test('a progress line that was drawn over is not in the picture', () => {
  expect(terminalSvg('12 %\r\u001B[Kdone', 80)).not.toContain('12 %');
});

test('no character of the output can end an element', () => {
  expect(terminalSvg('<a> & "b"', 80)).toContain('>&lt;a&gt; &amp; "b"</text>');
});
