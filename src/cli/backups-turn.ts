import { randomUUID } from 'node:crypto';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { openJournal } from '../engine/sqlite-journal.ts';
import type { CommonFlags } from './invocation.ts';
import { stateDirectory } from './state-directory.ts';
import { takeTurn } from './turn.ts';

/**
 * Does something that must not happen beside a backup on this host: its own work under the same host lock.
 * @throws MaintError LOCKED when another run is at work, and what `work` throws
 */
export async function alone<T>(
  { config, common }: { readonly config: Config; readonly common: CommonFlags },
  world: World,
  work: () => Promise<T>,
): Promise<T> {
  const directory = stateDirectory(world, common, config);
  using journal = openJournal(directory, world.now());
  await using turn = await takeTurn({
    stateDirectory: directory,
    journal,
    coordination: undefined,
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
