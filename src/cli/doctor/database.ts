import type { Session, ServerFacts } from '../../adapters/postgres.ts';
import { formatDuration } from '../../base/units.ts';
import { MaintError } from '../../base/errors.ts';
import { verdictsOf, type Check } from './check.ts';

/** Majors that maint is made and tested for. */
const SUPPORTED = { oldest: 12, newest: 18 };

const { ok, warn, fail } = verdictsOf('database');

/** What is known of the server. */
interface Examined {
  readonly checks: readonly Check[];
  /** Undefined where it does not answer. */
  readonly server: ServerFacts | undefined;
}

/** Does the server let us in? */
export async function examineServer(session: Session): Promise<Examined> {
  try {
    const server = await session.server();
    const reached = ok('server', `${session.name} answers in ${formatDuration(server.connectMs)}`);
    return { checks: [reached, ...judgeServer(server)], server };
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return { checks: [fail('server', `${error.message} (${error.code})`, [error.hint])], server: undefined };
  }
}

/** Is it a server that maint is made for, and reached in a way that suits dumps and leases? */
export function judgeServer({ major, versionNumber, isStandby, isPooled }: ServerFacts): readonly Check[] {
  return [
    judgeVersion(major, versionNumber),
    ...(isStandby
      ? [
          warn('standby', 'the server is a standby: nothing can be changed there, and long dumps may be cancelled', [
            'Name the primary in the database URL.',
            'Or stay on the standby for backups alone, with database.coordination: off and max_standby_streaming_delay ' +
              'longer than a dump takes.',
          ]),
        ]
      : []),
    ...(isPooled
      ? [
          warn(
            'pooler',
            'a connection pooler stands before the server: in transaction mode it takes no backup and no VACUUM',
            ['Name the server itself in the database URL, most often port 5432 in place of 6432.'],
          ),
        ]
      : []),
  ];
}

function judgeVersion(major: number, versionNumber: number): Check {
  const { oldest, newest } = SUPPORTED;
  const version = `PostgreSQL ${major}.${versionNumber % 10_000}`;
  if (major < oldest)
    return fail('version', `${version} is too old, maint needs ${oldest} to ${newest}`, [
      `Upgrade the server; versions before ${oldest} get no security fixes any more.`,
    ]);
  if (major > newest)
    return warn('version', `${version} is newer than maint knows, which is up to ${newest}`, [
      'Install a newer maint, and prove a restore before you rely on its backups.',
    ]);
  return ok('version', version);
}
