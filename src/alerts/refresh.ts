import { standingNotification } from './decide.ts';
import { deliver } from './deliver.ts';
import type { AlertMessage } from './message.ts';
import type { Round } from './round.ts';

/**
 * Sends each Alertmanager again what it knows and what goes on. It ends by itself an alert that is not sent again, which is
 * how it learns that maint is dead; so a problem that stays must be sent with every run, however rarely people are told.
 * What does not get through is no trouble: the next run sends it again. Never throws for what a network or a server does.
 */
export async function refreshStanding(round: Round): Promise<void> {
  const { settings, sending, silent, policy } = round;
  for (const channel of settings.channels.filter(({ name, type }) => type === 'alertmanager' && !silent.has(name))) {
    const notifications = round.states
      .filter(({ deliveredTo, phase }) => deliveredTo.includes(channel.name) && phase !== 'ok')
      // What it was told in this round it knows.
      .filter(({ lastToldAt }) => lastToldAt !== round.at.toISOString())
      .map((state) => ({ ...standingNotification(state, policy), channels: [channel.name] }));
    if (notifications.length === 0) continue;
    await deliver({ ...sending, message: messageOf(round, notifications), channels: [channel] });
  }
}

function messageOf({ report, at }: Round, notifications: AlertMessage['notifications']): AlertMessage {
  const { run, command, project, host } = report;
  return { id: `standing_${run}`, kind: 'alert', at: at.toISOString(), run, command, project, host, notifications };
}
