import type { ClientPrograms } from '../adapters/client-programs.ts';
import type { Database, Snapshot } from '../adapters/postgres.ts';
import type { FileSet } from '../engine/backup-places.ts';
import { fileSetNames, writeFileSet } from './file-set.ts';
import { writeGlobals } from './globals.ts';
import type { Artifact, Manifest } from './manifest.ts';
import { readReferences, type References } from './references.ts';
import type { ArtifactPlace } from './write-artifact.ts';

/** What goes into a backup beside the dump. */
export interface CompanionRequest {
  /** Absolute path of the backups. */
  readonly directory: string;
  /** Are the roles of the server wanted? */
  readonly globals: boolean;
  readonly fileSets: readonly FileSet[];
  readonly clients: ClientPrograms;
  readonly database: Database;
}

/** What a dry run says of it, line by line. */
export function companionIntent({
  globals,
  fileSets,
}: Pick<CompanionRequest, 'globals' | 'fileSets'>): readonly string[] {
  return [
    ...(globals ? ['keep the roles of the server beside it, without passwords'] : []),
    ...fileSets.map(({ name, directory, references }) => {
      const checked = references === undefined ? '' : ' and hold them against the rows that point to them';
      return `keep the files below ${directory} as ${fileSetNames(name).tar}.zst${checked}`;
    }),
  ];
}

interface CompanionFacts {
  readonly serverMajor: number;
  /** Name of the database. */
  readonly name: string;
  /** What the rows of the snapshot say, by file set. */
  readonly references: ReadonlyMap<string, References>;
}

/** What went into a backup beside the dump, and what is to be said about it. */
export interface Companions extends Pick<Manifest, 'globals' | 'fileSets'> {
  readonly artifacts: readonly Artifact[];
}

/** Reads in the snapshot of the dump which files the rows point to. @throws MaintError where the snapshot is lost */
export async function readAllReferences(
  snapshot: Snapshot,
  fileSets: readonly FileSet[],
): Promise<ReadonlyMap<string, References>> {
  const references = new Map<string, References>();
  for (const { name, references: query } of fileSets)
    if (query !== undefined) references.set(name, await readReferences(snapshot, query));
  return references;
}

/**
 * Writes roles and files of the application beside a dump. What cannot be had of them is said, and costs nothing else.
 * @throws MaintError where the disk or the signal ends it
 */
export async function writeCompanions(
  place: ArtifactPlace,
  { request, facts }: { readonly request: CompanionRequest; readonly facts: CompanionFacts },
  signal: AbortSignal,
): Promise<Companions> {
  const { clients, database, directory } = request;
  const artifacts: Artifact[] = [];
  const globals = request.globals
    ? await writeGlobals(place, { clients, serverMajor: facts.serverMajor, database: facts.name }, signal)
    : undefined;
  if (globals?.artifact !== undefined) artifacts.push(globals.artifact);
  const fileSets = [];
  for (const set of request.fileSets) {
    signal.throwIfAborted();
    const references = facts.references.get(set.name);
    const written = await writeFileSet(place, { set, references, without: directory, database }, signal);
    artifacts.push(...written.artifacts);
    fileSets.push(written.report);
  }
  return { artifacts, ...(globals && { globals: globals.report }), ...(fileSets.length > 0 && { fileSets }) };
}
