import { clientPrograms } from '../adapters/client-programs.ts';
import { libpqEnvironment } from '../adapters/connection.ts';
import { openMaintenance } from '../backups/restore-session.ts';
import { findUnfinished, type Unfinished } from '../backups/restore-mark.ts';
import { dropDatabase } from '../backups/restore-target.ts';
import { printable } from '../base/printable.ts';
import type { World } from '../base/world.ts';
import { quotedForShell } from '../base/shell-word.ts';
import { loadConfig } from '../config/read.ts';
import { tasks } from '../tasks/index.ts';
import type { RestoreSweepInvocation } from './restore-invocation.ts';
import { targetOf } from './restore-places.ts';

/**
 * `maint restore --sweep`: drops the databases that killed restores left behind. Those whose restore still runs, or ran on
 * another host, are named and stay.
 * @throws MaintError when the server cannot be reached, or refuses
 */
export async function restoreSweepCommand(invocation: RestoreSweepInvocation, world: World): Promise<number> {
  const { env, cwd, stdout, version } = world;
  const config = await loadConfig({ env, cwd, configPath: invocation.common.config, tasks });
  const connection = targetOf(invocation.target, config, world);
  const environment = libpqEnvironment(connection);
  const clients = clientPrograms(config.programDirectories, env['PATH'], environment);
  await using session = await openMaintenance({ connection, limits: config.database.limits }, 'read-only');
  const unfinished = (await findUnfinished(session)).filter(({ database }) => database !== connection.database);
  const dead = unfinished.filter(({ isDead }) => isDead);
  if (!invocation.dryRun) for (const { database } of dead) await dropDatabase({ clients, environment }, database);
  const answer = {
    format: 1,
    maint: version,
    dropped: invocation.dryRun ? [] : dead.map(({ database }) => database),
    unfinished: invocation.dryRun ? unfinished : unfinished.filter(({ isDead }) => !isDead),
  };
  if (invocation.format === 'json') stdout.write(`${JSON.stringify(answer)}\n`);
  else for (const line of sweepLines(unfinished, invocation.dryRun)) stdout.write(`${printable(line)}\n`);
  return 0;
}

function sweepLines(unfinished: readonly Unfinished[], isDry: boolean): readonly string[] {
  if (unfinished.length === 0) return ['No restore left a database behind.'];
  return unfinished.map((each) => {
    if (!each.isDead) return `${each.database} stays: ${ownerOf(each)}`;
    return `${isDry ? 'would drop' : 'dropped'} ${each.database}, which a killed restore of backup ${each.backup} left`;
  });
}

/** What to say of databases that another restore has not finished. */
export function unfinishedLines(unfinished: readonly Unfinished[]): readonly string[] {
  return unfinished
    .filter(({ isDead }) => isDead)
    .map(
      ({ database, backup }) =>
        `${database} was left behind by a killed restore of backup ${backup}: dropdb ${quotedForShell(database)}, or maint restore --sweep`,
    );
}

function ownerOf({ owner }: Unfinished): string {
  return `process ${owner.pid} on ${owner.host} fills it, or did`;
}
