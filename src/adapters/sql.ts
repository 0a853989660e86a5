const IDENTIFIER: unique symbol = Symbol('identifier');

/** A quoted name of a table, column or role, made by `ident()`. */
export interface Identifier {
  readonly [IDENTIFIER]: string;
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

/**
 * Makes a statement from a template. `${value}` is always a parameter, `${ident('public', 'users')}` a quoted name;
 * there is no third way to get text into SQL.
 */
export function sql<Row = never>(
  strings: TemplateStringsArray,
  ...holes: readonly (Value | Identifier)[]
): Statement<Row> {
  const values: Value[] = [];
  const text = strings.reduce((sofar, part, index) => {
    const hole = holes[index - 1];
    if (isIdentifier(hole)) return sofar + hole[IDENTIFIER] + part;
    values.push(hole ?? null);
    return `${sofar}$${values.length}${part}`;
  });
  return { text, values };
}

/**
 * Quotes a name, qualified where several parts are given: `ident('public', 'Users')` is `"public"."Users"`.
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
 */
export function ident(...parts: readonly string[]): Identifier {
  return { [IDENTIFIER]: parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.') };
}

function isIdentifier(hole: Value | Identifier | undefined): hole is Identifier {
  return typeof hole === 'object' && hole !== null && IDENTIFIER in hole;
}
