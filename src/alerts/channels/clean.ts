import type { AlertMessage } from '../message.ts';
import type { Notification } from '../notification.ts';
import { oneLine } from '../text.ts';

/** What stands where a text has nothing that could be shown: services refuse empty texts. */
const NOTHING = '–';

/**
 * The message with texts that every service takes: no control characters, no halves of characters, nothing empty. What
 * comes from a report is so already; what comes from a spool that an older version wrote, or from a configuration, is
 * made so here, right before it is written in the words of a channel.
 */
export function cleanMessage(message: AlertMessage): AlertMessage {
  return {
    ...message,
    project: clean(message.project),
    host: clean(message.host),
    command: clean(message.command),
    notifications: message.notifications.map(cleanNotification),
  };
}

function cleanNotification(notification: Notification): Notification {
  const { task, step, summary, remediation, owner, impact, note } = notification;
  return {
    ...notification,
    task: clean(task),
    step: clean(step),
    summary: clean(summary),
    remediation: cleanLines(remediation),
    owner: owner === null ? null : clean(owner),
    impact: impact === null ? null : clean(impact),
    note: note === null ? null : clean(note),
  };
}

function clean(text: string): string {
  return oneLine(text) || NOTHING;
}

function cleanLines(lines: readonly string[]): readonly string[] {
  return lines.map(oneLine).filter((line) => line !== '');
}
