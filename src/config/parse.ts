import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Pair, YAMLError, YAMLMap } from 'yaml';
import type { Path } from './tree.ts';
import { MOST_ALIASES, unsoundNodes } from './unsound.ts';

const LONGEST_TEXT = 2 ** 18;
const MOST_SYNTAX_PROBLEMS = 20;

/** A mistake in the text itself. */
interface TextProblem {
  readonly line: number;
  readonly message: string;
}

/** What a configuration text says. */
export interface ParsedText {
  /** The settings as written; undefined where the text is too broken to go on. */
  readonly settings: unknown;
  readonly problems: readonly TextProblem[];
  /** The line of a key or list item, or of the nearest one around it; from 1. */
  readonly lineOf: (path: Path) => number;
}

/** Reads YAML, of which JSON is a part, and keeps the positions. Never throws: whatever is wrong is a problem. */
export function parseText(text: string): ParsedText {
  const unreadable = unreadableText(text);
  if (unreadable !== undefined) return { settings: undefined, problems: [unreadable], lineOf: () => unreadable.line };
  try {
    return readDocument(text);
  } catch (error) {
    // The parser is recursive, so a text nested thousands of levels deep ends it.
    const message = error instanceof RangeError ? 'nested too deep' : 'cannot be read as YAML';
    return { settings: undefined, problems: [{ line: 1, message }], lineOf: () => 1 };
  }
}

function readDocument(text: string): ParsedText {
  const counter = new LineCounter();
  // Repeated keys are looked for below: the parser compares each key with each.
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: false });
  const lineAt = (offset: number): number => counter.linePos(offset).line;
  const offsetOf = locator(document);
  const lineOf = (path: Path): number => lineAt(offsetOf(path));
  const syntax = [...document.errors, ...document.warnings]
    .slice(0, MOST_SYNTAX_PROBLEMS)
    .map((error) => ({ line: lineAt(error.pos[0]), message: describeSyntax(error) }));
  if (document.errors.length > 0) return { settings: undefined, problems: syntax, lineOf };

  const unsound = unsoundNodes(document);
  const problems = [...syntax, ...unsound.map(({ node, message }) => ({ line: lineAt(offsetOfNode(node)), message }))];
  if (unsound.some(({ isFatal }) => isFatal)) return { settings: undefined, problems, lineOf };
  const settings: unknown = document.toJS({ maxAliasCount: MOST_ALIASES });
  if (settings === null) return { settings: undefined, problems: [{ line: 1, message: EMPTY }], lineOf };
  return { settings, problems, lineOf };
}

const EMPTY = 'the file is empty; write {} to take every default, or remove it';

/** What no parser should be asked to read. */
function unreadableText(text: string): TextProblem | undefined {
  if (text.trim() === '') return { line: 1, message: EMPTY };
  if (text.length > LONGEST_TEXT) return { line: 1, message: `longer than ${LONGEST_TEXT} characters` };
  const [odd] = /(?![\n\r\t\u0085])\p{Cc}|\uFFFD/u.exec(text) ?? [];
  if (odd === undefined) return undefined;
  const line = text.slice(0, text.indexOf(odd)).split('\n').length;
  const code = odd.charCodeAt(0).toString(16).padStart(4, '0');
  return { line, message: odd === '\uFFFD' ? 'this is no UTF-8 text' : `holds the control character U+${code}` };
}

function describeSyntax(error: YAMLError): string {
  if (error.code === 'MULTIPLE_DOCS') return 'a second document starts here; one file holds one';
  if (error.code === 'TAG_RESOLVE_FAILED')
    return 'a word that starts with ! is a YAML tag, and none is known; quote it';
  // What follows a colon may be a piece of the text, and so a secret.
  const [sentence = ''] = error.message.split(': ', 1);
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`;
}

/** Makes the function that follows a path as far as it goes, and answers with the offset it came to. */
function locator(document: Document): (path: Path) => number {
  const indexes = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();
  const pairOf = (map: YAMLMap, key: string): Pair | undefined => {
    const index = indexes.get(map) ?? new Map(map.items.map((pair) => [wordOf(pair), pair]));
    indexes.set(map, index);
    return index.get(key);
  };
  return (path) => {
    let node: unknown = document.contents;
    let offset = offsetOfNode(node);
    for (const step of path) {
      if (isAlias(node)) node = node.resolve(document);
      const pair = isMap(node) ? pairOf(node, String(step)) : undefined;
      const place: unknown = isSeq(node) ? node.items[Number(step)] : pair?.key;
      if (!isNode(place)) return offset;
      offset = offsetOfNode(place);
      node = pair === undefined ? place : pair.value;
    }
    return offset;
  };
}

function wordOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : '';
}

function offsetOfNode(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}
