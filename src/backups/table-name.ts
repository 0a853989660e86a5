/** Names that PostgreSQL takes without quotes, key words aside. */
const PLAIN = /^[a-z_][a-z0-9_$]*$/;

/** How manifests, facts and messages name a table: `public.users`, `"Odd.Schema"."a ""b"""`. Two tables never share one name. */
export function tableKey(schema: string, name: string): string {
  return [schema, name].map((part) => (PLAIN.test(part) ? part : `"${part.replaceAll('"', '""')}"`)).join('.');
}

/**
 * The name behind bytes that were read as one character each. Archive and script are in the encoding of the database;
 * where that is not UTF-8, odd letters come out as U+FFFD, the same from both.
 */
export function decodeName(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

const IDENTIFIER = '(?:"((?:[^"]|"")+)"|([^\\s".(]+))';
/** `COPY public.users (id, name) FROM stdin;`, as pg_dump writes it. A quoted name may hold anything, line breaks too. */
const COPY = new RegExp(`^COPY ${IDENTIFIER}\\.${IDENTIFIER}\\s+(?:\\((?:[^"]|"(?:[^"]|"")*")*?\\) )?FROM stdin;\\n`);

/**
 * Reads which table a COPY statement loads.
 * @param text starts with the statement, each byte as one character; more may follow
 * @returns the table's key and the statement's length in bytes; undefined when the statement is not whole
 */
export function parseCopy(text: string): { readonly table: string; readonly length: number } | undefined {
  const match = COPY.exec(text);
  if (match === null) return undefined;
  const [statement, quotedSchema, schema = '', quotedName, name = ''] = match;
  return {
    table: tableKey(
      decodeName(quotedSchema?.replaceAll('""', '"') ?? schema),
      decodeName(quotedName?.replaceAll('""', '"') ?? name),
    ),
    length: statement.length,
  };
}
