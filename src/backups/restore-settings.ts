import type { Manifest } from './manifest.ts';

/** Settings that are lists of names, which the server keeps with its own quotes. */
const LISTS: ReadonlySet<string> = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'temp_tablespaces',
]);
/** A name in quotes, or what stands between commas. */
const NAME = /\s*(?:"((?:[^"]|"")*)"|([^",\s]+))\s*(?:,|$)/g;

/** The statements that give a database the settings it had: they belong to its name, and no dump brings them back. */
export function settingLines({ settings = [] }: Pick<Manifest, 'settings'>, database: string): readonly string[] {
  return settings.map(({ role, name, value }) => {
    const whose =
      role === null ? `DATABASE ${quoted(database)}` : `ROLE ${quoted(role)} IN DATABASE ${quoted(database)}`;
    if (value === null) return `-- ALTER ${whose} SET ${name} TO …: it may be a secret, and is in no backup`;
    return `ALTER ${whose} SET ${name.split('.').map(quoted).join('.')} TO ${valueOf(name, value)};`;
  });
}

/** @see https://github.com/postgres/postgres/blob/master/src/bin/pg_dump/dumputils.c (makeAlterConfigCommand) */
function valueOf(name: string, value: string): string {
  if (!LISTS.has(name)) return literal(value);
  const names = [...value.matchAll(NAME)].map(([, inQuotes, bare = '']) => inQuotes?.replaceAll('""', '"') ?? bare);
  return names.length === 0 ? literal(value) : names.map(literal).join(', ');
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** With a backslash in it, it has to be said that the backslash is one. */
function literal(text: string): string {
  const inside = text.replaceAll("'", "''");
  return inside.includes('\\') ? `E'${inside.replaceAll('\\', '\\\\')}'` : `'${inside}'`;
}
