import { MaintError } from '../base/errors.ts';
import { suggest } from '../base/suggest.ts';

/** What a silence can ask for. */
export interface Matched {
  readonly id: string;
  readonly check: string;
  readonly task: string;
  readonly step: string;
  readonly class: string;
  readonly owner: string;
}

const KEYS = ['id', 'check', 'task', 'step', 'class', 'owner'] as const satisfies readonly (keyof Matched)[];

/** One condition: the value of a key, in which `*` stands for anything. */
export interface Matcher {
  readonly key: keyof Matched;
  readonly pattern: string;
}

/**
 * Reads a condition such as `check=disk*`, `step=disk /srv` or `class=ticket`.
 * @throws MaintError USAGE when it is of another form or names an unknown key
 */
export function parseMatcher(text: string): Matcher {
  const [, word = '', pattern = ''] = /^([a-z]+)=(.+)$/s.exec(text.trim()) ?? [];
  const key = KEYS.find((each) => each === word);
  if (key !== undefined) return { key, pattern };
  const meant = suggest(word, KEYS);
  throw new MaintError('USAGE', `"${text}" matches nothing`, {
    hint:
      meant === undefined || word === ''
        ? `Write key=value with one of ${KEYS.join(', ')}; * stands for anything.`
        : `Did you mean "${meant}=${pattern}"?`,
  });
}

/** Do all conditions hold? Without any, none does: nothing may be silenced by leaving something out. */
export function matches(matchers: readonly Matcher[], subject: Matched): boolean {
  return matchers.length > 0 && matchers.every(({ key, pattern }) => fits(pattern, subject[key]));
}

/** Compares piece by piece between the stars; no pattern of a person becomes a regular expression. */
function fits(pattern: string, value: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return value === pattern;
  const first = pattern.slice(0, star);
  if (!value.startsWith(first)) return false;
  const rest = pattern.slice(star + 1).split('*');
  const last = rest.pop() ?? '';
  let from = first.length;
  for (const piece of rest) {
    const at = value.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return value.length - from >= last.length && value.endsWith(last);
}
