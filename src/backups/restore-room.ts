import { diskUsage } from '../adapters/disk.ts';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';
import { dumpOf, type Manifest } from './manifest.ts';

/** What a look at the disk of the server showed. */
interface Room {
  readonly obstacles: readonly MaintError[];
  readonly notices: readonly string[];
}

/**
 * Looks whether a restored database has room where the server keeps its files, if that can be seen from here. What
 * cannot be enough is in the way; what may not be is worth a line.
 */
export async function lookForRoom(database: Reader, manifest: Manifest, isPart: boolean): Promise<Room> {
  const [server] = await database.rows(serverFiles);
  const directory = server?.directory ?? undefined;
  const freeBytes = directory === undefined ? undefined : await freeOf(directory);
  if (isPart || directory === undefined || freeBytes === undefined) return { obstacles: [], notices: [] };
  return judgeRoom({ directory, freeBytes }, manifest);
}

interface Place {
  readonly directory: string;
  readonly freeBytes: number;
}

/** The size of the old database counts what it had to spare too, so that it alone refuses nothing. */
export function judgeRoom({ directory, freeBytes }: Place, manifest: Pick<Manifest, 'artifacts' | 'server'>): Room {
  const { sizeBytes } = manifest.server;
  const free = `${formatBytes(freeBytes)} are free at ${directory}`;
  if (freeBytes < (dumpOf(manifest)?.bytes ?? 0)) {
    const hint = 'Free some space there, or restore onto another server with --to.';
    const message = `${free}, less than the compressed backup takes`;
    return { obstacles: [new MaintError('FILE_UNUSABLE', message, { hint, detail: 'restore.no_space' })], notices: [] };
  }
  if (sizeBytes === undefined || freeBytes >= sizeBytes * SPARE) return { obstacles: [], notices: [] };
  return { obstacles: [], notices: [`${free}; the database took ${formatBytes(sizeBytes)}, so it may not fit`] };
}

/** A restore sorts for its indexes, and writes ahead of everything. */
const SPARE = 1.2;

/** @returns undefined where it cannot be seen: its parent is closed to other users, or it lies in a container */
async function freeOf(directory: string): Promise<number | undefined> {
  try {
    return (await diskUsage(directory)).freeBytes;
  } catch (error) {
    if (error instanceof MaintError && error.code === 'FILE_UNUSABLE') return undefined;
    throw error;
  }
}

/** The directory is null where the server is on another host, or the role may not know. */
const serverFiles = sql<{ directory: string | null }>`
  SELECT CASE WHEN inet_server_addr() IS NOT DISTINCT FROM inet_client_addr()
               AND pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')
              THEN current_setting('data_directory') END AS directory`;
