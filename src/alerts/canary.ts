import { recordOf, type ChannelRecord } from './channel-record.ts';
import type { Channel } from './channels/settings.ts';
import { shiftAt } from './hours.ts';
import type { AlertSettings } from './settings.ts';

/**
 * The channels that are to be tried now, because no test went through for too long, or never. Pure. At most one try a
 * day is made of a channel that does not work: its failures are told by alarms.
 */
export function dueForCanary(
  { channels, canary }: Pick<AlertSettings, 'channels' | 'canary'>,
  records: readonly ChannelRecord[],
  now: Date,
): readonly Channel[] {
  if (!canary.enabled || !shiftAt(canary.hours, now).isNow) return [];
  return channels.filter(({ name }) => {
    const { verifiedAt, lastFailureAt } = recordOf(records, name);
    const isVerified = verifiedAt !== null && now.getTime() - Date.parse(verifiedAt) < canary.every;
    const failedLately = lastFailureAt !== null && now.getTime() - Date.parse(lastFailureAt) < RETRY_AFTER_MS;
    return !isVerified && !failedLately && !canary.except.includes(name);
  });
}

const RETRY_AFTER_MS = 20 * 3_600_000;
