import type { World } from '../base/world.ts';
import type { BackupsInvocation } from './backups-invocation.ts';

/** `maint backups …`. @returns the exit code */
export async function backupsCommand(invocation: BackupsInvocation, world: World): Promise<number> {
  switch (invocation.kind) {
    case 'backups-list':
      return (await import('./backups-list.ts')).backupsListCommand(invocation, world);
    case 'backups-show':
      return (await import('./backups-show.ts')).backupsShowCommand(invocation, world);
    case 'backups-status':
      return (await import('./backups-status.ts')).backupsStatusCommand(invocation, world);
    case 'backups-prune':
      return (await import('./backups-prune.ts')).backupsPruneCommand(invocation, world);
    case 'backups-pin':
    case 'backups-unpin':
    case 'backups-ack':
      return (await import('./backups-word.ts')).backupsWordCommand(invocation, world);
    case 'backups-selftest':
    default:
      return (await import('./backups-selftest.ts')).backupsSelftestCommand(invocation, world);
  }
}
