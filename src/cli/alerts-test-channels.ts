import type { Channel } from '../alerts/channels/settings.ts';
import type { AlertSettings } from '../alerts/settings.ts';
import { MaintError } from '../base/errors.ts';
import { suggest } from '../base/suggest.ts';

/** What is asked for; every channel where both are left out. */
interface Asked {
  readonly channel: string | undefined;
  /** The channels that problems of this class go to, with fallback and escalation. */
  readonly alertClass: 'page' | 'ticket' | undefined;
}

/**
 * The channels that a test is to go to.
 * @throws MaintError CONFIG_INVALID when there is none, USAGE when the named one is unknown
 */
export function pickChannels(
  { channels, routes }: AlertSettings,
  { channel: name, alertClass }: Asked,
): readonly Channel[] {
  if (channels.length === 0)
    throw new MaintError('CONFIG_INVALID', 'no alert channel is configured', {
      hint: 'Add one under alerts.channels; config/maint.example.yaml shows how.',
    });
  if (name !== undefined) return [named(channels, name)];
  if (alertClass === undefined || routes === undefined) return channels;
  const route = routes[alertClass];
  const names = route.channels && [...route.channels, ...route.fallback, ...route.escalate.flatMap(({ to }) => to)];
  return channels.filter((channel) => names === undefined || names.includes(channel.name));
}

function named(channels: readonly Channel[], name: string): Channel {
  const channel = channels.find((each) => each.name === name);
  if (channel !== undefined) return channel;
  const names = channels.map((each) => each.name);
  const meant = suggest(name, names);
  throw new MaintError('USAGE', `there is no channel "${name}"`, {
    hint: meant === undefined ? `Known channels: ${names.join(', ')}.` : `Did you mean "${meant}"?`,
  });
}
