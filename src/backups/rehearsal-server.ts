import { dirname } from 'node:path';
import type { ClientPrograms } from '../adapters/client-programs.ts';
import { findServerPrograms, type ServerPrograms } from '../adapters/server-programs.ts';
import { MaintError } from '../base/errors.ts';

/** Which server a backup is tried out on. */
interface Wanted {
  /** Major version of the server that the backup came from. */
  readonly sourceMajor: number;
  /** The major version to rehearse an upgrade to; undefined takes the source's own, else the next newer one. */
  readonly rehearsedMajor: number | undefined;
}

/**
 * Picks server programs of this machine.
 * @throws MaintError PROGRAM_MISSING, PROGRAM_TOO_OLD; USAGE where an older version than the source's is asked for
 */
export async function pickServer(
  clients: ClientPrograms,
  { sourceMajor, rehearsedMajor }: Wanted,
): Promise<ServerPrograms> {
  if (rehearsedMajor !== undefined && rehearsedMajor < sourceMajor)
    throw new MaintError(
      'USAGE',
      `the backup is from PostgreSQL ${sourceMajor}, which is newer than ${rehearsedMajor}`,
      {
        hint: 'A backup can be restored into the same or a newer version only.',
      },
    );
  const initdb = await clients.locate('initdb');
  const found = await findServerPrograms(initdb === undefined ? undefined : dirname(initdb));
  const fitting = found
    .toSorted((a, b) => a.major - b.major)
    .find(({ major }) => (rehearsedMajor === undefined ? major >= sourceMajor : major === rehearsedMajor));
  if (fitting !== undefined) return fitting;
  const needed = rehearsedMajor ?? sourceMajor;
  const hint = `Install the package postgresql-${needed}, or name its directory in programs.directories; the server need not run.`;
  const [newest] = found;
  if (newest === undefined)
    throw new MaintError('PROGRAM_MISSING', 'no server programs of PostgreSQL (initdb) were found', { hint });
  if (rehearsedMajor !== undefined)
    throw new MaintError('PROGRAM_MISSING', `no server programs of PostgreSQL ${rehearsedMajor} were found`, { hint });
  throw new MaintError(
    'PROGRAM_TOO_OLD',
    `the backup is from PostgreSQL ${sourceMajor}, the newest server programs here are ${newest.major}`,
    { hint },
  );
}
