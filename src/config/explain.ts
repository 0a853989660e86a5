import { z } from 'zod';
import { suggest } from '../base/suggest.ts';
import { isMapping, type Path } from './tree.ts';

/** One thing that the schema does not allow. */
export interface Objection {
  readonly path: Path;
  readonly message: string;
  readonly suggestion: string | null;
}

/** The outcome of a check: the schema's output, undefined where it objects to something. */
interface Checked<Output> {
  readonly output: Output | undefined;
  readonly objections: readonly Objection[];
}

/** Checks settings against a schema, and says in words what is wrong. Reads secrets, so it takes its time. */
export async function check<Output>(schema: z.ZodType<Output>, settings: unknown): Promise<Checked<Output>> {
  // A finished issue no longer says which keys would have been right, but it keeps its list of wrong ones.
  const known = new WeakMap<object, readonly string[]>();
  const result = await schema.safeParseAsync(settings, {
    reportInput: true,
    error: (issue) => {
      if (issue.code === 'unrecognized_keys' && issue.inst instanceof z.ZodObject)
        known.set(issue.keys, Object.keys(issue.inst.shape));
      return explain(issue);
    },
  });
  if (result.success) return { output: result.data, objections: [] };
  return { output: undefined, objections: result.error.issues.flatMap((issue) => objections(issue, [], known)) };
}

function objections(
  issue: z.core.$ZodIssue,
  start: Path,
  known: WeakMap<object, readonly string[]>,
): readonly Objection[] {
  const path = [...start, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey([...path, key], key, known.get(issue.keys) ?? []));
  if (issue.code === 'invalid_union') {
    const nearest = nearestBranch(issue.errors);
    if (nearest !== undefined) return nearest.flatMap((inner) => objections(inner, path, known));
  }
  if (issue.code === 'invalid_key') return [{ path, message: 'this key is not allowed here', suggestion: null }];
  const message = withoutOddText(issue).replace(/\.$/, '');
  return [{ path, message, suggestion: suggestionOf(issue) }];
}

/** What a person writes where a word, a time or a number goes; anything else may be a secret that slipped there. */
const PLAIN_TEXT = /^(?:[\w\s.,*+@/%-]|(?<=\d):(?=\d)){0,40}$/;

/** Shortens a message that repeats what was found, unless that is plain. */
function withoutOddText({ message, input }: z.core.$ZodIssue): string {
  return typeof input !== 'string' || PLAIN_TEXT.test(input) ? message : message.replaceAll(input, '…');
}

function unknownKey(path: Path, key: string, known: readonly string[]): Objection {
  const suggestion = suggest(key, known) ?? null;
  const allowed = known.length === 0 ? 'nothing is allowed here' : `allowed are ${known.join(', ')}`;
  return { path, message: suggestion === null ? `unknown key; ${allowed}` : 'unknown key', suggestion };
}

/** The alternative whose kind of value was given, so that only its details are wrong. */
function nearestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const near = branches.filter(
    (issues) => !issues.some(({ code, path }) => /^invalid_(type|value)$/.test(code) && path.length === 0),
  );
  return near.toSorted((a, b) => a.length - b.length)[0];
}

function suggestionOf(issue: z.core.$ZodIssue): string | null {
  if (issue.code === 'invalid_value' && typeof issue.input === 'string')
    return suggest(issue.input, issue.values.map(String)) ?? null;
  if (issue.code === 'invalid_union') {
    const { given, options = [] } = discriminatorOf(issue) ?? {};
    return typeof given === 'string' ? (suggest(given, options) ?? null) : null;
  }
  if (issue.code !== 'custom') return null;
  const suggestion: unknown = issue.params?.['suggestion'];
  return typeof suggestion === 'string' ? suggestion : null;
}

/** Says what was found and what is allowed. Repeats a value only where no secret can stand: a choice or a number. */
function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type')
    return issue.input === undefined
      ? `missing; ${kind(issue.expected)} is required`
      : `found ${found(issue.input)}, allowed is ${kind(issue.expected)}`;
  if (issue.code === 'invalid_value') return choice(issue.input, issue.values);
  if (issue.code === 'invalid_union') return union(issue);
  if (issue.code === 'too_small') return `${amount(issue)}, allowed is at least ${bound(issue.minimum, issue)}`;
  if (issue.code === 'too_big') return `${amount(issue)}, allowed is at most ${bound(issue.maximum, issue)}`;
  if (issue.code === 'not_multiple_of') return `allowed are multiples of ${issue.divisor}`;
  if (issue.code === 'invalid_format') return format(issue);
  return undefined;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  null: 'null',
};

function kind(expected: string): string {
  return KINDS[expected] ?? expected;
}

function found(input: unknown): string {
  if (input === undefined || input === null) return 'nothing';
  if (typeof input === 'number') return Number.isInteger(input) ? 'a number' : 'a number that is not whole';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object' && !isMapping(input)) return 'something that is no plain data';
  return kind(typeof input);
}

function choice(input: unknown, values: readonly unknown[]): string {
  const allowed = values.map(String).join(', ');
  if (input === undefined) return `missing; allowed are ${allowed}`;
  const isWord = typeof input === 'string' && /^[\w-]{1,30}$/.test(input);
  return `found ${isWord ? JSON.stringify(input) : found(input)}, allowed are ${allowed}`;
}

function union(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string {
  const words = discriminatorOf(issue);
  if (words !== undefined) return choice(words.given, words.options);
  const branches: readonly (readonly z.core.$ZodIssue[])[] = issue.errors;
  const kinds = branches.flat().flatMap((inner) => {
    if (inner.code === 'invalid_value' && inner.path.length === 0) return inner.values.map(String);
    return inner.code === 'invalid_type' ? [kind(inner.expected)] : [];
  });
  const allowed = [...new Set(kinds)].join(' or ');
  if (issue.input === undefined) return `missing; ${allowed} is required`;
  return `found ${found(issue.input)}${allowed === '' ? '' : `, allowed is ${allowed}`}`;
}

/** The word that chooses between alternatives, where there is such a word. */
function discriminatorOf(
  issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion> | z.core.$ZodIssueInvalidUnion,
): { readonly given: unknown; readonly options: readonly string[] } | undefined {
  const { discriminator, input } = issue;
  if (!('options' in issue) || !Array.isArray(issue.options) || typeof discriminator !== 'string') return undefined;
  return { given: isMapping(input) ? input[discriminator] : undefined, options: issue.options.map(String) };
}

function amount({ origin, input }: { readonly origin: string; readonly input: unknown }): string {
  if (typeof input === 'number') return `found ${input}`;
  return origin === 'string' ? 'the text is too short or too long' : 'the number of entries is wrong';
}

function bound(limit: number | bigint, { origin, inclusive }: { origin: string; inclusive?: boolean }): string {
  const unit = origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '';
  return `${inclusive === false ? 'anything beyond ' : ''}${limit}${unit}`;
}

function format(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidStringFormat>): string {
  return issue.format === 'regex' && typeof issue.pattern === 'string'
    ? `the text must match ${issue.pattern}`
    : `this is no valid ${issue.format}`;
}
