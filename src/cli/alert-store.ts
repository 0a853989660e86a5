import type { AlertState, AlertStore, SpooledMessage } from '../alerts/store.ts';
import type { Journal } from '../engine/journal.ts';

/** Alert states and the spool, kept in the journal. */
export function journalAlertStore(journal: Journal): AlertStore {
  const states = journal.shelf('alert');
  const spool = journal.shelf('spool');
  return {
    load: () => states.all().map(readState),
    save: (next) => states.replace(next.map((state) => ({ id: state.fingerprint, body: JSON.stringify(state) }))),
    spooled: () => spool.all().map(readMessage),
    spool: (message) => spool.put(message.id, JSON.stringify(message)),
    unspool: (id) => spool.remove(id),
  };
}

/** The journal gives back what this program wrote; a change of these shapes is a migration of the journal. */
function readState(body: string): AlertState {
  return JSON.parse(body);
}

function readMessage(body: string): SpooledMessage {
  return JSON.parse(body);
}
