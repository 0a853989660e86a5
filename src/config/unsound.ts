import { isScalar, visit, type Document, type Pair } from 'yaml';
import { formatKey } from './tree.ts';

/** Anchors may be repeated this often in all, counted with what they contain. */
export const MOST_ALIASES = 100;
const TOO_MANY_ALIASES = `anchors are repeated more than ${MOST_ALIASES} times in all`;

/** A piece of sound YAML that is no sound configuration. */
interface UnsoundNode {
  readonly node: unknown;
  readonly message: string;
  /** Can nothing be said about the rest? */
  readonly isFatal: boolean;
}

/** Finds keys that are repeated or no words, and anchors that lead nowhere, in circles or too far. */
export function unsoundNodes(document: Document): readonly UnsoundNode[] {
  const repeated: UnsoundNode[] = [];
  const fatal: UnsoundNode[] = [];
  const aliases: unknown[] = [];
  const stop = (node: unknown, message: string): symbol => {
    fatal.push({ node, message, isFatal: true });
    return visit.BREAK;
  };
  visit(document, {
    Alias: (_key, alias, ancestors) => {
      aliases.push(alias);
      if (aliases.length > MOST_ALIASES) return stop(alias, TOO_MANY_ALIASES);
      const target = alias.resolve(document);
      if (target === undefined) return stop(alias, 'this anchor is not set before it is used');
      return ancestors.includes(target) ? stop(alias, 'this anchor contains itself') : undefined;
    },
    Map: (_key, { items }) => void repeated.push(...repeatedKeys(items)),
    Pair: (_key, { key }) => (isScalar(key) ? undefined : stop(key, 'a key must be a word')),
  });
  if (fatal.length === 0 && !isExpandable(document)) stop(aliases[0], TOO_MANY_ALIASES);
  return [...repeated, ...fatal];
}

function repeatedKeys(pairs: readonly Pair[]): readonly UnsoundNode[] {
  const seen = new Set<string>();
  return pairs.flatMap(({ key }) => {
    const word = isScalar(key) ? String(key.value) : '';
    const isNew = !seen.has(word);
    seen.add(word);
    const message = `the key ${formatKey(word)} stands here for the second time`;
    return isNew || !isScalar(key) ? [] : [{ node: key, message, isFatal: false }];
  });
}

/** Do the anchors stay within bounds when each is replaced by what it stands for? */
function isExpandable(document: Document): boolean {
  try {
    document.toJS({ maxAliasCount: MOST_ALIASES });
    return true;
  } catch (error) {
    if (error instanceof ReferenceError) return false;
    throw error;
  }
}
