import { MaintError } from '../base/errors.ts';
import { suggest } from '../base/suggest.ts';
import { instantOf } from '../schedule/zone.ts';
import { quoted } from './usage.ts';

/**
 * The name of a time zone, as it was typed after --timezone.
 * @throws MaintError USAGE
 */
export function requireTimezone(name: string): string {
  try {
    // Offsets such as +02:00 are no names: they know no summer time.
    if (/^[a-z]/i.test(name)) return Intl.DateTimeFormat('en', { timeZone: name }).format() === '' ? 'UTC' : name;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  const meant = suggest(name, Intl.supportedValuesOf('timeZone'));
  throw new MaintError('USAGE', `there is no time zone ${quoted(name)}`, {
    hint: meant === undefined ? 'Write an IANA name such as UTC or Europe/Berlin.' : `Did you mean "${meant}"?`,
  });
}

/**
 * A time as it was typed: a day, a local time in the zone, or an instant with Z or an offset.
 * @throws MaintError USAGE
 */
export function requireTime(text: string, timezone: string, flag: string): Date {
  const isLocal = /^\d{4}-\d\d-\d\d(T\d\d:\d\d)?$/.test(text);
  const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  if ((isLocal || isInstant) && !Number.isNaN(Date.parse(text)))
    return isLocal ? instantOf(text, timezone) : new Date(text);
  throw new MaintError('USAGE', `${flag} cannot be ${quoted(text)}`, {
    hint: 'Write 2026-03-28, 2026-03-28T14:00 (local time), or 2026-03-28T14:00Z.',
  });
}
