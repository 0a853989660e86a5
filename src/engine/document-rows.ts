import type { Sqlite } from '../adapters/sqlite.ts';
import { text, type JournalStore } from './journal-rows.ts';
import type { Chronicle, Shelf } from './journal.ts';

/** The shelf of one kind in the tables of the journal. */
export function shelfIn({ write, read }: JournalStore, kind: string): Shelf {
  const put = (store: Sqlite, id: string, body: string): void => store.run(PUT_ON_SHELF, [kind, id, kind, body]);
  return {
    all: () => read('SELECT body FROM shelf WHERE kind = ? ORDER BY position', [kind]).map((row) => text(row, 'body')),
    get: (id) => {
      const [row] = read('SELECT body FROM shelf WHERE kind = ? AND id = ?', [kind, id]);
      return row && text(row, 'body');
    },
    put: (id, body) => write((store) => put(store, id, body)),
    remove: (id) => write((store) => store.run('DELETE FROM shelf WHERE kind = ? AND id = ?', [kind, id])),
    replace: (entries) =>
      write((store) =>
        store.transaction(() => {
          store.run('DELETE FROM shelf WHERE kind = ?', [kind]);
          for (const { id, body } of entries) put(store, id, body);
        }),
      ),
  };
}

/** The chronicle of one kind in the tables of the journal. */
export function chronicleIn({ write, read }: JournalStore, kind: string): Chronicle {
  return {
    add: (entries) =>
      write((store) =>
        store.transaction(() => {
          for (const { id, at, body } of entries) store.run(ADD_TO_CHRONICLE, [kind, id, Date.parse(at), body]);
        }),
      ),
    since: (at) =>
      read('SELECT body FROM chronicle WHERE kind = ? AND at_ms >= ? ORDER BY at_ms, rowid', [kind, at.getTime()]).map(
        (row) => text(row, 'body'),
      ),
  };
}

// A new document goes to the end, a known one keeps its place.
const PUT_ON_SHELF = `
  INSERT INTO shelf (kind, id, position, body)
  VALUES (?, ?, (SELECT coalesce(max(position), 0) + 1 FROM shelf WHERE kind = ?), ?)
  ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body`;

// What is in the chronicle is never written over.
const ADD_TO_CHRONICLE = 'INSERT INTO chronicle (kind, id, at_ms, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING';
