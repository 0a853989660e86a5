import { env as own } from 'node:process';
import { Secret } from '../base/secret.ts';

/**
 * Whose program it is, which decides what of maint's own environment it gets:
 * - `stock`: one that maint knows, such as pg_dump or zstd: what every program needs, and nothing else; what libpq reads
 *   only where it is told a server;
 * - `configured`: a command of the configuration: everything but secrets of the configuration and the live database;
 * - `trusted`: one that hands out secrets itself: everything.
 */
export type ProgramKind = 'stock' | 'configured' | 'trusted';

/** What a program is given by name. */
export type Given = Readonly<Record<string, string | Secret>>;

/** Where programs, the home and scratch files are, who asks, and in which language and time zone. */
const NEEDED = /^(PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|TZDIR|TMPDIR|LD_LIBRARY_PATH)$/;
/** What libpq reads beside PG*, for Kerberos and for the authorities of TLS. */
const LIBPQ = /^(PG\w+|KRB5\w*|SSL_CERT_(FILE|DIR))$/;
/** How the live database is reached: whoever is not told so by name shall not find it by accident. */
const LIVE_DATABASE = /^(DATABASE_URL|PG\w+)$/;

const withheld = new Set<string>();

/**
 * Keeps variables of maint's own environment from commands of the configuration that are started from now on: what maint
 * was given as a secret is nothing that they need. One that a command is given by name it still gets.
 */
export function withholdFromPrograms(names: readonly string[]): void {
  for (const name of names) withheld.add(name);
}

/** The whole environment of a program, for the moment it is started: the values behind what it is given. */
export function programEnvironment(kind: ProgramKind, given: Given = {}): Record<string, string> {
  const mayInherit = INHERITS[kind];
  const entries = [
    ...Object.entries(own).filter(([name]) => mayInherit(name, given)),
    ...Object.entries(given).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value] as const),
  ];
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

const INHERITS: Readonly<Record<ProgramKind, (name: string, given: Given) => boolean>> = {
  stock: (name, given) => NEEDED.test(name) || ('PGHOST' in given && LIBPQ.test(name)),
  configured: (name) => NEEDED.test(name) || (!LIVE_DATABASE.test(name) && !withheld.has(name)),
  trusted: () => true,
};
