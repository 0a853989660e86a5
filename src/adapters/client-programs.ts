import { readdir, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { MaintError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { runProgram, whichProgram } from './programs.ts';

/** The client programs of PostgreSQL that maint calls. */
export type ClientProgramName = 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql' | 'createdb' | 'dropdb';

/** A client program that was found and asked for its version. */
export interface ClientProgram {
  /** Absolute path. */
  readonly path: string;
  /** Such as 15. */
  readonly major: number;
  /** The line it prints for `--version`. */
  readonly version: string;
}

/** Client programs bound to one database: they know where to look and how to log in. */
export interface ClientPrograms {
  /**
   * Picks a client program: the server's own major version where it is installed, else the next newer one, for a newer
   * client writes settings that an older server refuses at restore.
   * @param serverMajor the oldest version that will do; undefined takes the newest there is
   * @throws MaintError PROGRAM_MISSING when none is found, PROGRAM_TOO_OLD when all are older than the server
   */
  find(name: ClientProgramName, serverMajor: number | undefined): Promise<ClientProgram>;
  /**
   * Looks for a program that is not PostgreSQL's, such as zstd, in the same places.
   * @returns its absolute path; undefined when it is nowhere
   */
  locate(name: string): Promise<string | undefined>;
  /** The libpq environment of the configured database, for `Stage.env` and `ProgramRequest.env`. */
  readonly environment: Readonly<Record<string, string | Secret>>;
}

/** What a shell takes where no PATH is set. */
const DEFAULT_PATH = '/usr/bin:/bin';
/** Where distributions put the programs of each major version. */
const VERSIONED_ROOTS = ['/usr/lib/postgresql', '/usr/local/pgsql', '/opt/homebrew/opt'];

/**
 * @param directories searched before everything else: `programs.directories` of the configuration
 * @param searchPath the PATH of the environment
 * @param environment the libpq environment
 */
export function clientPrograms(
  directories: readonly string[],
  searchPath: string | undefined,
  environment: ClientPrograms['environment'],
): ClientPrograms {
  const known = new Map<ClientProgramName, Promise<readonly ClientProgram[]>>();
  const candidates = (name: ClientProgramName): Promise<readonly ClientProgram[]> => {
    const found = known.get(name) ?? discover(name, directories, searchPath);
    known.set(name, found);
    return found;
  };
  return {
    environment,
    find: async (name, serverMajor) => pick(name, await candidates(name), serverMajor),
    locate: (name) => whichProgram(name, [...directories, searchPath ?? DEFAULT_PATH].join(delimiter)),
  };
}

/**
 * The choice behind `ClientPrograms.find`, on its own so that it can be tested without programs.
 * @throws MaintError PROGRAM_MISSING, PROGRAM_TOO_OLD
 */
export function pick(
  name: ClientProgramName,
  programs: readonly ClientProgram[],
  serverMajor: number | undefined,
): ClientProgram {
  const byAge = programs.toSorted((a, b) => a.major - b.major);
  const newest = byAge.at(-1);
  const wanted = serverMajor === undefined ? '' : `-${serverMajor}`;
  if (newest === undefined)
    throw new MaintError('PROGRAM_MISSING', `${name} was not found`, {
      hint: `Install the package postgresql-client${wanted}, or name its directory in programs.directories.`,
    });
  if (serverMajor === undefined) return newest;
  const fitting = byAge.find(({ major }) => major >= serverMajor);
  if (fitting === undefined)
    throw new MaintError(
      'PROGRAM_TOO_OLD',
      `${name} is version ${newest.major}, the server is version ${serverMajor}`,
      {
        hint: `Install the package postgresql-client${wanted}: a dump needs a client at least as new as the server.`,
        detail: `preflight.${name}_too_old`,
      },
    );
  return fitting;
}

async function discover(
  name: ClientProgramName,
  directories: readonly string[],
  searchPath: string | undefined,
): Promise<readonly ClientProgram[]> {
  const places = [...directories, ...(await versionedDirectories())].map((directory) => join(directory, name));
  const onPath = await whichProgram(name, searchPath);
  const paths = [...new Set([...places, ...(onPath === undefined || (await isWrapper(onPath)) ? [] : [onPath])])];
  const programs = await Promise.all(paths.map(askVersion));
  return programs.filter((program) => program !== undefined);
}

async function versionedDirectories(): Promise<readonly string[]> {
  const found = await Promise.all(
    VERSIONED_ROOTS.map(async (root) => {
      const names = await readdir(root).catch(() => []);
      return names.map((version) => join(root, version, 'bin'));
    }),
  );
  return found.flat();
}

/** Debian's PATH leads to a script that starts the programs of the versioned directories, which takes longer than they do. */
async function isWrapper(path: string): Promise<boolean> {
  return (await realpath(path)).endsWith('/postgresql-common/pg_wrapper');
}

async function askVersion(path: string): Promise<ClientProgram | undefined> {
  try {
    const { stdout } = await runProgram({ file: path, args: ['--version'], timeoutMs: 10_000 });
    const major = /\(PostgreSQL\) (\d+)/.exec(stdout)?.[1];
    return major === undefined ? undefined : { path, major: Number(major), version: stdout.trim() };
  } catch (error) {
    // A candidate path without the program is the ordinary case; what is missing in the end is said by `pick`.
    if (error instanceof MaintError) return undefined;
    throw error;
  }
}
