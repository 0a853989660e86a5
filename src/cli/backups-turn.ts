import { randomUUID } from 'node:crypto';
import type { Session } from '../adapters/postgres.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { openJournal } from '../engine/sqlite-journal.ts';
import type { CommonFlags } from './invocation.ts';
import { stateDirectory } from './state-directory.ts';
import { takeTurn } from './turn.ts';

/**
 * Does something that must not happen beside a run on this host: its own work under the same host lock.
 * @param coordination where it must not happen beside a run on another host either
 * @throws MaintError LOCKED when another run is at work, and what `work` throws
 */
export async function alone<T>(
  {
    config,
    common,
    coordination,
  }: { readonly config: Config; readonly common: CommonFlags; readonly coordination?: Session | undefined },
  world: World,
  work: () => Promise<T>,
): Promise<T> {
  const directory = stateDirectory(world, common, config);
  using journal = openJournal(directory, world.now());
  await using turn = await takeTurn({
    stateDirectory: directory,
    journal,
    coordination,
    project: config.project,
    host: world.hostname,
    run: randomUUID(),
    scope: 'project',
    job: undefined,
    slot: undefined,
    onLost: () => undefined,
  });
  for (const notice of [...turn.notices, ...journal.notices]) world.stderr.write(`maint: ${notice}\n`);
  return work();
}
