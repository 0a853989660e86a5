const IDENTIFIER: unique symbol = Symbol('identifier');
const FRAGMENT: unique symbol = Symbol('fragment');

/** A quoted name of a table, column or role, made by `ident()`. */
export interface Identifier {
  readonly [IDENTIFIER]: string;
}

/** A piece of a statement with its own parameters, made by `fragment`. */
export interface Fragment {
  readonly [FRAGMENT]: Template;
}

/** One SQL statement with its parameters. `Row` is what a row of its answer looks like. */
export interface Statement<Row> {
  readonly text: string;
  readonly values: readonly Value[];
  /** Never set; carries the row type. */
  readonly row?: Row;
}

/** What may travel as a parameter. */
type Value = string | number | boolean | bigint | Date | null | readonly string[] | readonly number[];

type Hole = Value | Identifier | Fragment;

interface Template {
  readonly strings: readonly string[];
  readonly holes: readonly Hole[];
}

/**
 * Makes a statement from a template. `${value}` is always a parameter, `${ident('public', 'users')}` a quoted name, and
 * a `fragment` is put in with its own parameters; there is no other way to get text into SQL.
 */
export function sql<Row = never>(strings: TemplateStringsArray, ...holes: readonly Hole[]): Statement<Row> {
  const values: Value[] = [];
  return { text: rendered({ strings, holes }, values), values };
}

/** Makes a piece of a statement from a template, under the same rules as `sql`. */
export function fragment(strings: TemplateStringsArray, ...holes: readonly Hole[]): Fragment {
  return { [FRAGMENT]: { strings, holes } };
}

/**
 * Quotes a name, qualified where several parts are given: `ident('public', 'Users')` is `"public"."Users"`.
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
 */
export function ident(...parts: readonly string[]): Identifier {
  return { [IDENTIFIER]: parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.') };
}

/** Text in quotes, which may hold anything; and what a condition must not hold outside of them. */
const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"/g;
const FORBIDDEN = /[;$'"\0]|--|\/\*/;

/**
 * A condition that a person wrote in the configuration, as a fragment in brackets of its own. PostgreSQL judges whether
 * it is right; here it is made sure that it cannot reach beyond its brackets.
 * @returns undefined where it could: brackets that do not match, an end of statement, a comment, a `$`, a backslash
 *   before a quote, or a quote that is not closed
 */
export function condition(text: string): Fragment | undefined {
  const bare = text.replaceAll(QUOTED, '');
  if (/\\['"]/.test(text) || FORBIDDEN.test(bare) || !hasMatchingBrackets(bare)) return undefined;
  return { [FRAGMENT]: { strings: [`(${text})`], holes: [] } };
}

function hasMatchingBrackets(text: string): boolean {
  let depth = 0;
  for (const letter of text) {
    if (letter === '(') depth += 1;
    if (letter === ')') depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

function rendered({ strings, holes }: Template, values: Value[]): string {
  return strings.reduce((sofar, part, index) => sofar + filled(holes[index - 1], values) + part);
}

function filled(hole: Hole | undefined, values: Value[]): string {
  if (typeof hole === 'object' && hole !== null && IDENTIFIER in hole) return hole[IDENTIFIER];
  if (typeof hole === 'object' && hole !== null && FRAGMENT in hole) return rendered(hole[FRAGMENT], values);
  values.push(hole ?? null);
  return `$${values.length}`;
}
