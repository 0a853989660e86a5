import { join } from 'node:path';
import type { ClientPrograms } from '../adapters/client-programs.ts';
import { libpqEnvironment } from '../adapters/connection.ts';
import { sql } from '../adapters/sql.ts';
import { timed } from '../adapters/stopwatch.ts';
import { MaintError } from '../base/errors.ts';
import type { ArchivedObject } from './archive-header.ts';
import { openGivenHost, openHost, startOwnHost, type Host } from './rehearsal-host.ts';
import { askAll } from './rehearsal-questions.ts';
import { pickServer } from './rehearsal-server.ts';
import type { Assertion } from './restore-assertions.ts';
import type { RestoreFinding } from './restore-checks.ts';
import { fillDatabase, HEAD_FILE, type Filled } from './restore-fill.ts';
import { readHead, type ArchiveHead } from './restore-head.ts';
import { beginUnpacking } from './restore-unpack.ts';
import { fittingRecipient } from './opening.ts';
import { needsOf, type RestoreNeeds } from './restore-needs.ts';
import type { Part } from './restore-part.ts';
import type { SmokeRequest } from './restore-smoke.ts';
import { openScratch, type Scratch } from './sandbox.ts';
import { storedDump, type StoredBackup } from './stored.ts';
import { watched } from './watch.ts';

/** A backup, and what a restore test asks of it. */
export interface RehearsalRequest extends StoredBackup {
  readonly clients: ClientPrograms;
  /** Where the throw-away cluster is made. */
  readonly scratchParent: string;
  readonly jobs: number;
  readonly assertions: readonly Assertion[];
  /** Look into each page and index too, where the server programs bring pg_amcheck. */
  readonly withAmcheck: boolean;
  /** The application's own test; none where undefined. */
  readonly smokeTest: Omit<SmokeRequest, 'connection'> | undefined;
  /** A server to make the database on, instead of a throw-away one. */
  readonly givenServer: Parameters<typeof openGivenHost>[1] | undefined;
  /** Major version to rehearse an upgrade to; the source's own where undefined. */
  readonly serverMajor: number | undefined;
  /** Extensions to do without, because this machine does not have them. */
  readonly skippedExtensions: readonly string[];
  /** Told how far filling the database has come: stored bytes that were read, or bytes of the database. */
  readonly onProgress: (done: number, total: number) => void;
}

/** What a restore test found, and how long each part took. */
export interface Rehearsal {
  readonly findings: readonly RestoreFinding[];
  /** By phase; their sum is the recovery time. */
  readonly seconds: {
    readonly cluster: number;
    readonly load: number;
    readonly indexes: number;
    readonly checks: number;
  };
  /** Major version of the server that it was restored into. */
  readonly serverMajor: number;
  /** The public key whose secret one opened the backup; undefined where it is not encrypted. */
  readonly recipient: string | undefined;
  /** Roles that had to be made up, because a dump of one database holds none. */
  readonly placeholders: readonly string[];
  /** Was every page and index looked at? */
  readonly isAmchecked: boolean;
  /** Was every definition compared? Other versions of pg_dump write the same in other words. */
  readonly isSchemaCompared: boolean;
}

/**
 * Restores a backup into a server of its own, or into a database of its own on a given one, and questions it. Nothing of
 * it is left afterwards.
 * @throws MaintError when it could not be found out: no server programs, a missing extension, no room
 */
export async function rehearse(request: RehearsalRequest, signal: AbortSignal): Promise<Rehearsal> {
  const { clients } = request;
  await using scratch = await openScratch(request.scratchParent);
  const dump = storedDump(request, signal);
  const head = await readHead(dump);
  const part = partWithout(head, request.skippedExtensions);
  const needs = needsOf(part?.objects ?? head?.header.objects ?? []);
  // What lies open beside a throw-away server lies open in it as well; somebody else's server is on other disks.
  await using unpacking =
    request.givenServer === undefined
      ? beginUnpacking({ ...request, dump, head, scratch: scratch.folder }, signal)
      : undefined;
  const opened = await timed(() => open(request, { needs, scratch }, signal));
  await using host = opened.value;
  // What is left of the unpacking when the server is there belongs to the load.
  const { value: unpacked, ms: unpackingMs } = await timed(async () => unpacking?.ended);
  const server = { clients, environment: libpqEnvironment(host.connection) };
  const { database } = host.connection;
  const onBytes = (bytes: number): void => request.onProgress(bytes, dump.sizeBytes);
  const filling = { server, database, dump, head, part, unpacked, keepsOwners: true, scratch: scratch.folder, onBytes };
  const fill = (stop: AbortSignal): Promise<Filled> => fillDatabase({ ...request, ...filling }, stop);
  const filled = await (unpacked === undefined ? fill(signal) : watchGrowth({ request, host }, signal, fill));
  throwIfIncomplete(filled, request.skippedExtensions);
  const headPath = head && join(scratch.folder, HEAD_FILE);
  const asked = await timed(() => askAll({ ...request, host, needs, filled, headPath }, signal));
  return {
    ...asked.value,
    findings: [...filled.findings, ...asked.value.findings],
    seconds: {
      cluster: opened.ms / 1_000,
      load: unpackingMs / 1_000 + filled.loadSeconds,
      indexes: filled.indexSeconds,
      checks: asked.ms / 1_000,
    },
    serverMajor: host.major,
    recipient: await fittingRecipient(request.manifest, request.keys.identity),
    placeholders: host.placeholders,
  };
}

interface Opening {
  readonly needs: RestoreNeeds;
  readonly scratch: Scratch;
}

async function open(request: RehearsalRequest, { needs, scratch }: Opening, signal: AbortSignal): Promise<Host> {
  const { clients, manifest, serverMajor: rehearsedMajor, givenServer } = request;
  const wanted = { needs, manifest, clients };
  if (givenServer !== undefined) return openGivenHost(wanted, givenServer, signal);
  const programs = await pickServer(clients, { sourceMajor: manifest.server.major, rehearsedMajor });
  return startOwnHost(wanted, { scratch, programs }, signal);
}

/** What is loaded from a file passes by unseen, but the database grows. */
async function watchGrowth(
  { request, host }: { readonly request: RehearsalRequest; readonly host: Host },
  signal: AbortSignal,
  fill: (signal: AbortSignal) => Promise<Filled>,
): Promise<Filled> {
  await using session = openHost(host.connection, 'read-only');
  const look = async (stop: AbortSignal): Promise<void> => {
    const [found] = await session.within(stop).rows(databaseSize);
    request.onProgress(found?.bytes ?? 0, request.manifest.server.sizeBytes ?? 0);
  };
  return await watched({ everyMs: LOOK_EVERY_MS, look }, signal, fill);
}

const LOOK_EVERY_MS = 500;

const databaseSize = sql<{ bytes: number }>`SELECT pg_database_size(current_database())::float8 AS bytes`;

/** The archive without some extensions and what is said of them. */
function partWithout(head: ArchiveHead | undefined, skipped: readonly string[]): Part | undefined {
  if (skipped.length === 0 || head === undefined) return undefined;
  const isSkipped = ({ kind, name }: ArchivedObject): boolean =>
    skipped.some((extension) => (kind === 'EXTENSION' && name === extension) || name === `EXTENSION ${extension}`);
  return { objects: head.header.objects.filter((object) => !isSkipped(object)), tables: [], empty: [], leftOut: [] };
}

/** What fails without an extension fails because of that, and says nothing about the backup. */
function throwIfIncomplete({ findings }: Filled, skipped: readonly string[]): void {
  const failed = findings.find(({ detail }) => detail === 'restore.load_failed');
  if (failed === undefined || skipped.length === 0) return;
  throw new MaintError(
    'RESTORE_INCONCLUSIVE',
    `without ${skipped.join(', ')} the backup cannot be restored: ${failed.message}`,
    {
      hint: 'Install the extension on this machine and take it out of skipExtensions.',
      detail: 'restore.extension_missing',
    },
  );
}
