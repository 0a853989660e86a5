import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { readStoredText, type Store } from '../adapters/store.ts';
import { FILES, kindOfFolder, labelPath } from './layout.ts';
import { parseManifest } from './manifest.ts';

/**
 * Names the databases of the server that no backup in a store is of, as far as names tell: neither this label's nor
 * another's. Templates do not count, nor the databases that providers keep for themselves.
 * @throws MaintError as `Store.list` and `Store.read`; when the database does not answer
 */
export async function uncoveredDatabases(
  database: Reader,
  { store, label }: { readonly store: Store; readonly label: string },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const others = await database.rows(OTHERS);
  if (others.length === 0) return [];
  const folders = (await store.list('', signal))?.folders ?? [];
  const covered = new Set<string | undefined>();
  for (const folder of folders.filter((name) => name !== labelPath(label)))
    covered.add(await databaseOf(store, folder, signal));
  return others.map(({ name }) => name).filter((name) => !covered.has(name));
}

/** What the newest backup of a label is of. */
async function databaseOf(store: Store, folder: string, signal: AbortSignal): Promise<string | undefined> {
  const folders = (await store.list(folder, signal))?.folders ?? [];
  const newest = folders
    .filter((name) => kindOfFolder(name) === 'backup')
    .toSorted()
    .at(-1);
  if (newest === undefined) return undefined;
  const files = (await store.list(`${folder}/${newest}`, signal))?.files ?? [];
  if (!files.some(({ name }) => name === FILES.manifest)) return undefined;
  const manifest = parseManifest(await readStoredText(store, `${folder}/${newest}/${FILES.manifest}`, signal));
  return typeof manifest === 'string' ? undefined : manifest.database;
}

const OTHERS = sql<{ name: string }>`
  SELECT datname::text AS name
    FROM pg_database
   WHERE datallowconn AND NOT datistemplate
     AND datname <> current_database()
     AND datname NOT IN ('rdsadmin', 'cloudsqladmin', 'azure_maintenance', 'azure_sys')
   ORDER BY datname`;
