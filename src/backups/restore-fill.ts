import { join } from 'node:path';
import { timed } from '../adapters/stopwatch.ts';
import { writeBytes } from '../adapters/scratch.ts';
import type { Manifest } from './manifest.ts';
import { openingOf } from './opening.ts';
import type { RestoreFinding } from './restore-checks.ts';
import type { ArchiveHead } from './restore-head.ts';
import { buildIndexes, loadData, type LoadTarget } from './restore-load.ts';
import type { Part } from './restore-part.ts';
import type { RestoreServer } from './restore-target.ts';
import type { StoredArtifact } from './stored.ts';

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
 * Fills an empty database from a backup in two phases: the dump streams through, then what stands in the head of the
 * archive is built several at a time. Streaming alone would build one index after the other.
 * @throws MaintError when it failed for a reason that says nothing about the backup
 */
export async function fillDatabase(request: FillRequest, signal: AbortSignal): Promise<Filled> {
  const { server, database, dump, manifest, head, jobs, onBytes } = request;
  const pgRestore = await server.clients.find('pg_restore', manifest.tools.pgDumpMajor);
  const target = {
    pgRestore,
    environment: server.environment,
    database,
    keepsOwners: request.keepsOwners && head !== undefined,
    listPath: await writeList(request),
  };
  const opening = await openingOf(dump.codec, dump.keys);
  const loaded = await timed(() =>
    loadData({ ...target, read: dump.read, opening, isFirstOfTwo: head !== undefined, onBytes }, signal),
  );
  const { sha256, fault } = loaded.value;
  const changed = sha256 === dump.sha256 ? [] : [changedDump(dump)];
  if (fault !== undefined || head === undefined)
    return { findings: [...changed, ...failed(fault)], loadSeconds: loaded.ms / 1_000, indexSeconds: 0 };
  request.onIndexes?.();
  const built = await timed(() => build(target, { head, jobs, scratch: request.scratch }, signal));
  return {
    findings: [...changed, ...failed(built.value)],
    loadSeconds: loaded.ms / 1_000,
    indexSeconds: built.ms / 1_000,
  };
}

/** As pg_restore reads it: one id on each line. */
async function writeList({ part, scratch }: FillRequest): Promise<string | undefined> {
  if (part === undefined) return undefined;
  const path = join(scratch, 'part.list');
  await writeBytes(path, Buffer.from(part.objects.map(({ id }) => `${id}\n`).join('')));
  return path;
}

function changedDump({ name }: StoredArtifact): RestoreFinding {
  return { detail: 'restore.checksum_mismatch', message: `${name} is not what was written` };
}

function failed(fault: string | undefined): readonly RestoreFinding[] {
  return fault === undefined ? [] : [{ detail: 'restore.load_failed', message: fault }];
}

interface Building extends Pick<FillRequest, 'jobs' | 'scratch'> {
  readonly head: ArchiveHead;
}

async function build(
  target: LoadTarget,
  { head, jobs, scratch }: Building,
  signal: AbortSignal,
): Promise<string | undefined> {
  const headPath = join(scratch, HEAD_FILE);
  await writeBytes(headPath, head.bytes);
  return buildIndexes({ ...target, headPath, jobs }, signal);
}
