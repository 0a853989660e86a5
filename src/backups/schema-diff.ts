/** Definitions by the words that pg_dump puts above each: what it is, its kind and its schema. */
export type Schema = ReadonlyMap<string, string>;

/** What only a dump with data has, or what belongs to no definition. */
const LEFT_OUT =
  /; Type: (?:BLOB|BLOBS|BLOB METADATA|LARGE OBJECT|MATERIALIZED VIEW DATA|SEQUENCE SET)\b|^(?:LARGE OBJECT |LARGE OBJECTS )/;
const HEADER = /^-- Name: (.*)$/;

/**
 * Takes the text that `pg_dump --schema-only` and `pg_restore --schema-only` write apart into single definitions.
 * Comments, blank lines and what the programs write around the definitions are left out.
 */
export function parseSchema(text: string): Schema {
  const definitions = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    const header = HEADER.exec(line)?.[1];
    if (header !== undefined) {
      lines = definitions.get(header) ?? [];
      if (!LEFT_OUT.test(header)) definitions.set(header, lines);
    } else if (!isDecoration(line)) lines.push(line);
  }
  return new Map([...definitions].map(([header, body]) => [header, normalized(header, body)]));
}

/** What stands between definitions and in the head of a script. Such a line inside a function is lost on both sides. */
function isDecoration(line: string): boolean {
  return (
    line === '' || line.startsWith('--') || /^(?:SET |SELECT pg_catalog\.set_config|\\(?:un)?restrict )/.test(line)
  );
}

/** Rights come in the order in which they were granted, which is nobody's concern. */
function normalized(header: string, lines: readonly string[]): string {
  return (/; Type: (?:DEFAULT )?ACL\b/.test(header) ? lines.toSorted() : lines).join('\n');
}

/** A definition that is not as it was. */
export interface SchemaDifference {
  /** As pg_dump calls it: `TABLE app.users`. */
  readonly what: string;
  readonly how: 'missing' | 'unexpected' | 'changed';
}

/** Compares two schemas, definition by definition, in the order of the first, then of the second. */
export function diffSchemas(expected: Schema, found: Schema): readonly SchemaDifference[] {
  const changed = [...expected].flatMap(([header, definition]): readonly SchemaDifference[] => {
    const other = found.get(header);
    if (other === definition || (other !== undefined && bare(other) === bare(definition))) return [];
    return [{ what: nameOf(header), how: other === undefined ? 'missing' : 'changed' }];
  });
  const added = [...found.keys()].filter((header) => !expected.has(header));
  return [...changed, ...added.map((header) => ({ what: nameOf(header), how: 'unexpected' as const }))];
}

const CAST =
  /::(?:character varying|(?:timestamp|time) with(?:out)? time zone|double precision|bit varying|"[^"]+"|[\w.]+)(?:\(\d+(?:,\d+)?\))?(?:\[\])*/g;

/**
 * A definition without casts, brackets and white space. PostgreSQL writes some expressions in other words once they have
 * been read back, such as the list behind `IN` on a varchar: that is no difference.
 */
function bare(definition: string): string {
  return definition.replaceAll(CAST, '').replaceAll(/[\s()]/g, '');
}

/** `users; Type: TABLE; Schema: app; Owner: maint` is `TABLE app.users`. */
function nameOf(header: string): string {
  const match = /^(.*); Type: ([^;]*); Schema: ([^;]*);/.exec(header);
  if (match === null) return header;
  const [, name = '', type = '', schema = '-'] = match;
  return `${type} ${schema === '-' ? '' : `${schema}.`}${name}`;
}
