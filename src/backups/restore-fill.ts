import { join } from 'node:path';
import { timed } from '../adapters/stopwatch.ts';
import { writeBytes } from '../adapters/scratch.ts';
import type { Manifest } from './manifest.ts';
import { openingOf } from './opening.ts';
import type { RestoreFinding } from './restore-checks.ts';
import type { ArchiveHead } from './restore-head.ts';
import { loadData, loadFile, type LoadTarget } from './restore-load.ts';
import type { Part } from './restore-part.ts';
import { divideLoad } from './restore-streams.ts';
import type { RestoreServer } from './restore-target.ts';
import type { StoredArtifact } from './stored.ts';
import type { Unpacked } from './restore-unpack.ts';
import { allTogether } from './together.ts';

/** A backup and the empty database that it goes into. */
export interface FillRequest {
  readonly server: RestoreServer;
  readonly database: string;
  readonly dump: StoredArtifact;
  readonly manifest: Manifest;
  /** Undefined where only pg_restore can read it: then everything goes in one pass, without owners. */
  readonly head: ArchiveHead | undefined;
  /** What is restored of it; all of it where undefined. */
  readonly part?: Part | undefined;
  /** False leaves everything to the role that restores, and needs no other. */
  readonly keepsOwners: boolean;
  /** A private folder for head and list. */
  readonly scratch: string;
  /** How many indexes are built at the same time. */
  readonly jobs: number;
  /** Told the stored bytes that were read. */
  readonly onBytes: (bytes: number) => void;
  /** The dump in a file, where that is worth it. */
  readonly unpacked?: Unpacked | undefined;
  /** Told when the rows are in and the indexes begin. */
  readonly onIndexes?: () => void;
}

/** The head of the archive, as it lies in the scratch folder once the rows are in. */
export const HEAD_FILE = 'head.dump';

/** What filling a database showed. */
export interface Filled {
  readonly findings: readonly RestoreFinding[];
  readonly loadSeconds: number;
  readonly indexSeconds: number;
}

/**
 * Fills an empty database from a backup in phases: the rows stream through, in several streams where that is faster, then
 * what stands in the head of the archive is built several at a time. One stream alone would build one index after the other.
 * @throws MaintError when it failed for a reason that says nothing about the backup
 */
export async function fillDatabase(request: FillRequest, signal: AbortSignal): Promise<Filled> {
  const { server, database, dump, manifest, head } = request;
  const pgRestore = await server.clients.find('pg_restore', manifest.tools.pgDumpMajor);
  const target: LoadTarget = {
    pgRestore,
    environment: server.environment,
    database,
    keepsOwners: request.keepsOwners && head !== undefined,
    listPath: await writeList(request),
  };
  const headPath = join(request.scratch, HEAD_FILE);
  if (head !== undefined) await writeBytes(headPath, head.bytes);
  const definitions = { ...target, path: headPath, jobs: request.jobs };
  const loaded = await timed(() => load(request, definitions, signal));
  const { hashes, fault } = loaded.value;
  const changed = hashes.every((sha256) => sha256 === dump.sha256) ? [] : [changedDump(dump)];
  if (fault !== undefined || head === undefined)
    return { findings: [...changed, ...failed(fault)], loadSeconds: loaded.ms / 1_000, indexSeconds: 0 };
  request.onIndexes?.();
  const built = await timed(() => loadFile({ ...definitions, sections: ['post-data'] }, signal));
  return {
    findings: [...changed, ...failed(built.value)],
    loadSeconds: loaded.ms / 1_000,
    indexSeconds: built.ms / 1_000,
  };
}

/** What loading said. */
interface LoadEnd {
  /** What each stream read; none where no row was loaded. */
  readonly hashes: readonly string[];
  readonly fault: string | undefined;
}

/** Where it goes, and the head of the archive. */
type Definitions = Omit<Parameters<typeof loadFile>[0], 'sections'>;

async function load(request: FillRequest, target: Definitions, signal: AbortSignal): Promise<LoadEnd> {
  const { head, part, manifest, dump, jobs, onBytes, unpacked } = request;
  if (unpacked !== undefined) return loadUnpacked(unpacked, target, signal);
  const opening = await openingOf(dump.codec, dump.keys);
  const data = { ...target, read: dump.read, opening, onBytes };
  if (head === undefined) return asOne(await loadData({ ...data, sections: undefined }, signal));
  const objects = part?.objects ?? head.header.objects;
  // Decrypting happens in maint itself, which is busy enough with one stream of that.
  const isDivisible = dump.isNear && opening.stages.length > 0 && !dump.codec.includes('age');
  const [first = [], ...others] = isDivisible ? divideLoad({ objects, tables: manifest.tables, jobs }) : [];
  if (others.length === 0) return asOne(await loadData({ ...data, sections: ['pre-data', 'data'] }, signal));
  const fault = await loadFile({ ...target, sections: ['pre-data'] }, signal);
  if (fault !== undefined) return { hashes: [], fault };
  const listPaths: string[] = [];
  for (const [index, ids] of [first, ...others].entries())
    listPaths.push(await writeIds(request.scratch, `stream-${index}.list`, ids));
  return loadStreams(data, listPaths, signal);
}

async function loadUnpacked(
  { path, sha256, fault }: Unpacked,
  target: Definitions,
  signal: AbortSignal,
): Promise<LoadEnd> {
  if (fault !== undefined) return { hashes: [sha256], fault };
  return { hashes: [sha256], fault: await loadFile({ ...target, path, sections: ['pre-data', 'data'] }, signal) };
}

/** Each stream reads the whole dump, and loads what stands in its list. */
async function loadStreams(
  data: Omit<Parameters<typeof loadData>[0], 'sections'>,
  listPaths: readonly string[],
  signal: AbortSignal,
): Promise<LoadEnd> {
  const ends = await allTogether(
    signal,
    listPaths.map((listPath, index) => (stop: AbortSignal) => {
      const onBytes = index === 0 ? data.onBytes : ignoreBytes;
      return loadData({ ...data, listPath, onBytes, sections: ['data'] }, stop);
    }),
  );
  return { hashes: ends.map(({ sha256 }) => sha256), fault: ends.find((end) => end.fault !== undefined)?.fault };
}

function asOne({ sha256, fault }: Awaited<ReturnType<typeof loadData>>): LoadEnd {
  return { hashes: [sha256], fault };
}

function ignoreBytes(): void {}

async function writeList({ part, scratch }: FillRequest): Promise<string | undefined> {
  if (part === undefined) return undefined;
  return writeIds(
    scratch,
    'part.list',
    part.objects.map(({ id }) => id),
  );
}

/** As pg_restore reads it: one id on each line. */
async function writeIds(scratch: string, name: string, ids: readonly number[]): Promise<string> {
  const path = join(scratch, name);
  await writeBytes(path, Buffer.from(ids.map((id) => `${id}\n`).join('')));
  return path;
}

function changedDump({ name }: StoredArtifact): RestoreFinding {
  return { detail: 'restore.checksum_mismatch', message: `${name} is not what was written` };
}

function failed(fault: string | undefined): readonly RestoreFinding[] {
  return fault === undefined ? [] : [{ detail: 'restore.load_failed', message: fault }];
}
