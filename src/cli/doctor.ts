import { openSession, type ServerFacts, type Session } from '../adapters/postgres.ts';
import { redacted } from '../base/printable.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { checkChannels } from './doctor/channels.ts';
import { guarded, verdictsOf, type Check, type CheckStatus } from './doctor/check.ts';
import { examineConfiguration } from './doctor/configuration.ts';
import { checkCoordination } from './doctor/coordination.ts';
import { examineServer } from './doctor/database.ts';
import { checkEncryption } from './doctor/encryption.ts';
import { checkBackupDirectory, checkBackupDisk, checkStateDirectory } from './doctor/directories.ts';
import { checkLeftovers } from './doctor/leftovers.ts';
import { checkNode } from './doctor/node.ts';
import { checkPrograms } from './doctor/programs.ts';
import { checkRights } from './doctor/rights.ts';
import { checkSchedule } from './doctor/schedule.ts';
import { doctorText } from './doctor/text.ts';
import type { CommonFlags, Format } from './invocation.ts';
import { stateDirectory } from './state-directory.ts';
import { paintFor } from './style.ts';

interface DoctorInvocation {
  readonly format: Format;
  readonly common: CommonFlags;
}

/**
 * `maint doctor`: every problem of a set-up at once, each with its fix. Reads only, and sends nothing.
 * @returns 0 where nothing is worse than a warning, 1 where something is broken, 2 where that is the configuration, 4
 *   where something could not be found out
 */
export async function doctorCommand({ format, common }: DoctorInvocation, world: World): Promise<number> {
  const { checks: configuration, config } = await examineConfiguration(world, common);
  const checks = [
    ...checkNode(world),
    ...configuration,
    ...(config === undefined ? [] : await examineSetUp(world, common, config)),
  ];
  const { stdout, env } = world;
  const page = { columns: stdout.columns, paint: paintFor(common.color, env, stdout) };
  stdout.write(format === 'json' ? doctorJson(checks) : doctorText(checks, page));
  return exitCodeOf(checks);
}

/** Everything that a configuration leads to. */
async function examineSetUp(world: World, common: CommonFlags, config: Config): Promise<readonly Check[]> {
  await using session = openDatabase(config);
  const { checks: database, server } = session === undefined ? NO_DATABASE : await examineServer(session);
  const answering = server === undefined ? undefined : session;
  return [
    ...database,
    ...(answering === undefined ? [] : await guarded('database', 'restores', () => checkLeftovers(answering))),
    ...(answering === undefined || server === undefined ? [NO_RIGHTS] : await examineRights(answering, server, config)),
    ...(await guarded('programs', 'programs', () => checkPrograms(world, config, server?.major))),
    ...(await guarded('directories', 'state directory', () =>
      checkStateDirectory(stateDirectory(world, common, config)),
    )),
    ...(await guarded('directories', 'backup directory', () => checkBackupDirectory(world, config))),
    ...(await guarded('directories', 'backup disk', () => checkBackupDisk(world, config, answering))),
    ...(await guarded('encryption', 'key', () => checkEncryption(config))),
    ...(await guarded('channels', 'channels', () =>
      checkChannels(world, config, { stateDirectory: stateDirectory(world, common, config), database: answering }),
    )),
    ...(await guarded('schedule', 'schedule', () => checkSchedule(world, config))),
  ];
}

function openDatabase({ database: { connection, limits } }: Config): Session | undefined {
  if (connection === undefined) return undefined;
  return openSession({ connection, mode: 'read-only', limits, applicationName: 'maint/doctor' });
}

async function examineRights(session: Session, server: ServerFacts, config: Config): Promise<readonly Check[]> {
  return [
    ...(await guarded('rights', 'reading', () => checkRights(session))),
    ...(await guarded('rights', 'schema maint', () => checkCoordination(session, server, config))),
  ];
}

const NO_DATABASE = {
  checks: [
    verdictsOf('database').unknown('server', 'not asked: the configuration names no usable database', [
      'Correct the database URL first, then run maint doctor again.',
    ]),
  ],
  server: undefined,
};

const NO_RIGHTS = verdictsOf('rights').unknown('reading', 'not looked at: the database does not answer', [
  'Mend the connection first, then run maint doctor again.',
]);

const SEVERITY: readonly CheckStatus[] = ['ok', 'warn', 'unknown', 'fail'];

function verdictOf(checks: readonly Check[]): CheckStatus {
  return SEVERITY.findLast((status) => checks.some((check) => check.status === status)) ?? 'ok';
}

function exitCodeOf(checks: readonly Check[]): number {
  const isMisconfigured = checks.some(({ section, status }) => section === 'configuration' && status === 'fail');
  if (isMisconfigured) return 2;
  const codes: Readonly<Record<CheckStatus, number>> = { ok: 0, warn: 0, unknown: 4, fail: 1 };
  return codes[verdictOf(checks)];
}

function doctorJson(checks: readonly Check[]): string {
  const answer = { format: 1, verdict: verdictOf(checks), checks };
  return `${JSON.stringify(answer, (_, value: unknown) => (typeof value === 'string' ? redacted(value) : value), 2)}\n`;
}
