import type { ChannelRecord, ChannelRecords } from '../alerts/channel-record.ts';
import type { AlertEvent } from '../alerts/events.ts';
import { withDefaults, type Notification } from '../alerts/notification.ts';
import type { Silence } from '../alerts/silences.ts';
import { readState } from '../alerts/state.ts';
import type { AlertStore, SpooledMessage } from '../alerts/store.ts';
import type { Journal } from '../engine/journal.ts';

/** Alert states, their history, silences and the spool, kept in the journal. */
export function journalAlertStore(journal: Journal): AlertStore {
  const states = journal.shelf('alert');
  const silences = journal.shelf('silence');
  const spool = journal.shelf('spool');
  const events = journal.chronicle('alert');
  return {
    load: () => states.all().map(readState),
    save: (next) => states.replace(next.map((state) => ({ id: state.fingerprint, body: JSON.stringify(state) }))),
    silences: () => silences.all().map(readSilence),
    saveSilences: (next) => silences.replace(next.map((each) => ({ id: each.id, body: JSON.stringify(each) }))),
    record: (added) => events.add(added.map((event) => ({ id: event.id, at: event.at, body: JSON.stringify(event) }))),
    history: (since) => events.since(since).map(readEvent),
    spooled: () => spool.all().map(readMessage),
    spool: (message) => spool.put(message.id, JSON.stringify(message)),
    unspool: (id) => spool.remove(id),
  };
}

/** What is known of each channel, kept in the journal. */
export function journalChannelRecords(journal: Journal): ChannelRecords {
  const shelf = journal.shelf('channel');
  return {
    load: () => shelf.all().map(readRecord),
    save: (record) => shelf.put(record.channel, JSON.stringify(record)),
  };
}

/** The journal gives back what this program wrote; a change of these shapes is a migration of the journal. */
function readSilence(body: string): Silence {
  return JSON.parse(body);
}

function readRecord(body: string): ChannelRecord {
  return JSON.parse(body);
}

function readEvent(body: string): AlertEvent {
  return JSON.parse(body);
}

/** A message may have been left by an earlier version, whose notifications said less. */
function readMessage(body: string): SpooledMessage {
  const message: SpooledMessage = JSON.parse(body);
  const notifications: readonly Notification[] = message.notifications.map(withDefaults);
  return { ...message, notifications };
}
