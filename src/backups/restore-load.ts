import type { ClientProgram, ClientPrograms } from '../adapters/client-programs.ts';
import {
  describeEnd,
  isBrokenPipe,
  stageAtFault,
  startPipeline,
  type Stage,
  type StageEnd,
} from '../adapters/pipeline.ts';
import { feedDump, type DumpFeed } from './feed-dump.ts';
import { firstError, throwIfUnfit } from './restore-unfit.ts';
import { together } from './together.ts';

/** Where a dump goes, and with what. */
export interface LoadTarget {
  readonly pgRestore: ClientProgram;
  /** The libpq environment of the server. */
  readonly environment: ClientPrograms['environment'];
  readonly database: string;
  /** False leaves everything to the role that restores. */
  readonly keepsOwners: boolean;
  /** A file with the ids of what is restored; everything is where undefined. */
  readonly listPath: string | undefined;
}

interface DataRequest extends LoadTarget, DumpFeed {
  /** What is loaded of it; everything where undefined, for an archive whose head cannot be read on its own. */
  readonly sections: readonly Section[] | undefined;
}

/** A part of an archive. @see https://www.postgresql.org/docs/current/app-pgrestore.html */
type Section = 'pre-data' | 'data' | 'post-data';

/** What a load said of the dump. */
interface Loaded {
  /** Of the stored dump, in the same pass. */
  readonly sha256: string;
  /** Why it could not be loaded, in the words of the program; undefined where it could. */
  readonly fault: string | undefined;
}

/**
 * Streams a dump into an empty database, through programs that hand on to each other: definitions and rows. Nothing is
 * written to a disk on the way.
 * @throws MaintError when the failure says nothing about the dump: no room, no extension, no server
 */
export async function loadData(request: DataRequest, signal: AbortSignal): Promise<Loaded> {
  const { opening, sections = [] } = request;
  await using pipeline = await startPipeline({
    stages: [...opening.stages, restoring(request, sections.map(flagOf))],
    input: 'written',
    signal,
  });
  pipeline.output.resume();
  const [{ sha256, damage }, ends] = await together(
    signal,
    () => feedDump(request, pipeline),
    () => pipeline.ended,
  );
  signal.throwIfAborted();
  const fault = faultOf(ends, request);
  return { sha256, fault: damage ?? fault };
}

/**
 * Restores what stands in a file, which pg_restore can seek in, several at a time: rows from a whole archive; what comes
 * before them or after them, such as indexes and constraints, from the head of one too.
 * @returns why it could not be done; undefined where it could
 * @throws MaintError as `loadData`
 */
export async function loadFile(
  target: LoadTarget & { readonly path: string; readonly sections: readonly Section[]; readonly jobs: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const args = [`--jobs=${target.jobs}`, ...target.sections.map(flagOf)];
  await using pipeline = await startPipeline({
    stages: [restoring(target, args, target.path)],
    input: 'none',
    signal,
  });
  pipeline.output.resume();
  const ends = await pipeline.ended;
  signal.throwIfAborted();
  return faultOf(ends, target);
}

function flagOf(section: Section): string {
  return `--section=${section}`;
}

/** A restored copy must not subscribe to anything, and tablespaces are those of another machine. */
function restoring(target: LoadTarget, args: readonly string[], path?: string): Stage {
  return {
    name: 'pg_restore',
    file: target.pgRestore.path,
    args: [
      '--exit-on-error',
      '--no-password',
      '--no-tablespaces',
      '--no-subscriptions',
      '--no-publications',
      ...(target.keepsOwners ? [] : ['--no-owner', '--no-privileges']),
      ...(target.listPath === undefined ? [] : [`--use-list=${target.listPath}`]),
      ...args,
      `--dbname=${conninfo(target.database)}`,
      ...(path === undefined ? [] : [path]),
    ],
    env: { ...target.environment, PGAPPNAME: 'maint/restore' },
  };
}

/** A name that looks like a connection string must not be taken for one. */
function conninfo(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function faultOf(ends: readonly StageEnd[], { database }: LoadTarget): string | undefined {
  // A part is whole before the archive is: pg_restore then stops reading, and whoever writes to it ends.
  const isRestored = ends.at(-1)?.exitCode === 0;
  const failed = ends.filter((end) => end.exitCode !== 0 && !(isRestored && isBrokenPipe(end)));
  const first = stageAtFault(failed);
  if (first === undefined) return undefined;
  for (const { name, stderr } of failed) if (name === 'pg_restore') throwIfUnfit(stderr, database);
  return first.name === 'pg_restore' && first.stderr !== '' ? firstError(first.stderr) : describeEnd(first);
}
