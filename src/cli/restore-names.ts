import type { PlannedRestore } from '../backups/restore-database.ts';
import type { Swap } from '../backups/restore-swap.ts';
import type { World } from '../base/world.ts';

/** A name for a database that says where it comes from and when; at most 63 bytes, as PostgreSQL has it. */
export function timedName(database: string, what: 'restored' | 'before', world: Pick<World, 'now'>): string {
  const time = world.now().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_');
  const suffix = `_${what}_${time}`;
  let stem = database;
  while (Buffer.byteLength(stem + suffix) > 63) stem = stem.slice(0, -1);
  return stem + suffix;
}

/**
 * What would change names in a swap.
 * @param live what the application knows: the configured database; on another server the one that was backed up
 */
export function namesOf({ name, server }: PlannedRestore, live: string, world: Pick<World, 'now'>): Swap {
  const before = server.databases.includes(live) ? timedName(live, 'before', world) : undefined;
  return { live, restored: name, before };
}
