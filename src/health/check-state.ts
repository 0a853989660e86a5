import { dirname } from 'node:path';
import { z } from 'zod';
import { diskUsage } from '../adapters/disk.ts';
import { isDirectory } from '../adapters/directories.ts';
import { sizeSetting } from '../base/settings.ts';
import { formatBytes } from '../base/units.ts';
import { done, warn, type Outcome } from '../engine/outcome.ts';
import type { Self } from '../engine/self.ts';
import { defineCheck } from './check.ts';

const stateSettings = z.strictObject({
  warnFree: sizeSetting
    .prefault('100 MB')
    .describe('Warn when the disk of the state directory has less room than this'),
});
type StateSettings = z.infer<typeof stateSettings>;

/** Can maint remember? */
export const stateCheck = defineCheck({
  id: 'state',
  dimension: 'meta',
  alertClass: 'ticket',
  impact: 'without its journal maint forgets alerts, trends and what has run',
  measures: 'whether the state directory can be written, and its free space, bytes',
  warns: 'the journal cannot be kept or something is wrong with it, or less than `state.warnFree` free',
  settings: { state: stateSettings.prefault({}).describe('How much room the journal needs') },
  questions: ({ state }, { self }) =>
    self === undefined ? [] : [{ title: 'state', look: async () => checkState(self, state) }],
});

/** @throws MaintError FILE_UNUSABLE where the disk does not tell how full it is */
async function checkState({ stateDirectory, notices, isDurable }: Self, { warnFree }: StateSettings): Promise<Outcome> {
  const { freeBytes } = await diskUsage(nearest(stateDirectory));
  const room = `${formatBytes(freeBytes)} free`;
  const extras: Parameters<typeof done>[1] = {
    facts: { stateDirectory, isDurable, freeBytes, notices },
    samples: [{ name: 'state.free', subject: 'this project', value: freeBytes, unit: 'bytes' }],
  };
  const remedy = [`ls -ld '${stateDirectory}'; df -h '${nearest(stateDirectory)}'`, 'maint doctor'];
  if (!isDurable) return warn(notices[0] ?? `nothing is remembered in ${stateDirectory}`, remedy, extras);
  if (notices.length > 0) return warn(notices.join('; '), remedy, extras);
  return freeBytes < warnFree
    ? warn(`only ${room} for the journal`, remedy, extras)
    : done(`can be written, ${room}`, extras);
}

/** The folder itself, or the first one above it that is there. */
function nearest(path: string): string {
  return isDirectory(path) || dirname(path) === path ? path : nearest(dirname(path));
}
