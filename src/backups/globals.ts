import type { ClientPrograms } from '../adapters/client-programs.ts';
import { runProgramForBytes } from '../adapters/programs.ts';
import { MaintError } from '../base/errors.ts';
import type { Artifact, Manifest } from './manifest.ts';
import { writeArtifact, type ArtifactPlace } from './write-artifact.ts';

interface GlobalsRequest {
  readonly clients: ClientPrograms;
  readonly serverMajor: number;
  /** Name of the database that pg_dumpall logs into: one that this role can surely use. */
  readonly database: string;
}

/** What a backup got of the roles. */
export interface Globals {
  /** Undefined where the server refused. */
  readonly artifact: Artifact | undefined;
  readonly report: NonNullable<Manifest['globals']>;
}

/** Its name without the endings of compression and encryption, and what its codec begins with. */
export const GLOBALS = { name: 'globals.sql', content: 'pg_dumpall-globals' } as const;

const TIMEOUT_MS = 10 * 60_000;
const LOCK_WAIT_MS = 60_000;
const STATED = { hasPasswords: false, isInSnapshot: false } as const;

/**
 * Writes the roles of the server with their memberships and settings: a dump of one database has none of them. Passwords
 * stay out, so that no right is needed that a role for backups has not, and nothing is worth stealing; tablespaces too,
 * for their paths belong to the old host.
 * @throws MaintError where the disk or the signal ends it; that the server refuses stands in the report
 */
export async function writeGlobals(
  place: ArtifactPlace,
  request: GlobalsRequest,
  signal: AbortSignal,
): Promise<Globals> {
  try {
    const sql = await dumpGlobals(request, signal);
    // Small, so the library is as good as the program.
    const artifact = await writeArtifact(
      { ...place, zstd: undefined },
      { ...GLOBALS, source: () => once(sql), inspect: () => undefined },
      signal,
    );
    return { artifact, report: { ...STATED, fault: null } };
  } catch (error) {
    if (signal.aborted || !(error instanceof MaintError) || error.code === 'NO_SPACE') throw error;
    return { artifact: undefined, report: { ...STATED, fault: error.message } };
  }
}

async function dumpGlobals({ clients, serverMajor, database }: GlobalsRequest, signal: AbortSignal): Promise<Buffer> {
  const { path } = await clients.find('pg_dumpall', serverMajor);
  // A name with an equals sign would be taken for a whole connection string.
  const login = `dbname='${database.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
  return runProgramForBytes({
    file: path,
    args: [
      '--globals-only',
      '--no-role-passwords',
      '--no-tablespaces',
      '--no-password',
      `--lock-wait-timeout=${LOCK_WAIT_MS}`,
      `--database=${login}`,
    ],
    env: { ...clients.environment, PGAPPNAME: 'maint/backup', LC_ALL: 'C' },
    timeoutMs: TIMEOUT_MS,
    signal,
  });
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
