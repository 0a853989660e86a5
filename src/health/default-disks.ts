import { join } from 'node:path';
import { deviceOf } from '../adapters/disk.ts';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { isUnanswered } from './unanswered.ts';

/**
 * Which disks to watch when nobody named any: the root filesystem and, where the database runs on this machine, its
 * data directory and write-ahead log where they lie on disks of their own. Never fails: with the database down, or its
 * directories out of sight, the root filesystem is left.
 */
export async function defaultDisks(database: Reader): Promise<readonly string[]> {
  const paths = ['/', ...(await databaseDirectories(database))];
  const pathOfDevice = new Map<number, string>();
  for (const path of paths) {
    const device = await visibleDevice(path);
    if (device !== undefined && !pathOfDevice.has(device)) pathOfDevice.set(device, path);
  }
  return [...pathOfDevice.values()];
}

async function databaseDirectories(database: Reader): Promise<readonly string[]> {
  try {
    const [row] = await database.rows(DATA_DIRECTORY);
    return row?.directory ? [row.directory, join(row.directory, 'pg_wal')] : [];
  } catch (error) {
    // The first step says that the database does not answer, or the role may not read where its files are.
    if (isUnanswered(error)) return [];
    throw error;
  }
}

async function visibleDevice(path: string): Promise<number | undefined> {
  try {
    return await deviceOf(path);
  } catch (error) {
    // A container or a tunnel can make a far server look near, and pg_wal is closed to other users.
    if (error instanceof MaintError && error.code === 'FILE_UNUSABLE') return undefined;
    throw error;
  }
}

// Both addresses are null over a Unix socket, and equal over a connection inside one machine.
const DATA_DIRECTORY = sql<{ directory: string | null }>`
  SELECT current_setting('data_directory', true) AS directory
   WHERE inet_server_addr() IS NOT DISTINCT FROM inet_client_addr()`;
