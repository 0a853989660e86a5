import type { Manifest } from './manifest.ts';

/** How a database sorts and tells letters apart. */
export interface Locale {
  readonly collate: string;
  readonly ctype: string;
}

/** What is decided about a new database. */
interface Decided {
  /** Undefined leaves it to the server. */
  readonly locale: Locale | undefined;
  readonly notices: readonly string[];
}

interface Named {
  readonly name: string;
}

/** Every server has these. */
const EVERYWHERE: ReadonlySet<string> = new Set(['C', 'POSIX']);

/**
 * The locale of a new database: that of the database it may replace, else the one that was backed up where the server
 * knows it. Another one sorts text in another order, so that is said.
 */
export function localeFor(
  { database, server }: Pick<Manifest, 'database' | 'server'>,
  databases: readonly (Named & Locale)[],
  locales: readonly Named[],
): Decided {
  const same = databases.find(({ name }) => name === database);
  if (same !== undefined) return { locale: { collate: same.collate, ctype: same.ctype }, notices: [] };
  const { collate, ctype, localeProvider } = server;
  if (collate === undefined || ctype === undefined) return { locale: undefined, notices: [] };
  const known = new Set(locales.map(({ name }) => name));
  const isKnown = [collate, ctype].every((name) => EVERYWHERE.has(name) || known.has(name));
  const isOther = localeProvider !== undefined && localeProvider !== 'libc';
  const sorts = isOther ? `${localeProvider}, ${collate}` : collate;
  const notice = `the backed up database sorted text by ${sorts}, the new one sorts it as this server does`;
  if (!isKnown) return { locale: undefined, notices: [notice] };
  return { locale: { collate, ctype }, notices: isOther ? [notice] : [] };
}
