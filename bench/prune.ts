/**
 * How fast rows go by `maint prune` at full pace, by one DELETE and by a LIMIT loop, and how long the longest transaction of
 * each is; half of a table goes, with and without an index on its age, and with an old snapshot open beside. The server
 * flushes what it commits. Run it with `node bench/prune.ts [rows=6000000] [rounds=1] [one of the races, such as indexed]`.
 */
import type { Cluster } from '../src/adapters/cluster.ts';
import {
  connected,
  copyOf,
  makeEvents,
  ONE_DELETE,
  openDurableServer,
  pruneEvents,
  query,
  type Done,
} from './prune-events.ts';
import { middle, printTargets } from './targets.ts';

const [rows = 6_000_000, rounds = 1] = process.argv.slice(2, 4).map(Number);
const only = process.argv[4];
/** A contestant that is not done by then is measured by what it has done. */
const PATIENCE_MS = 60_000;

type Contestant = (server: Cluster, database: string) => Promise<Done>;
const CONTESTANTS = {
  'one DELETE': oneDelete,
  'LIMIT loop': limitLoop,
  'maint prune': (server, database) => pruneEvents(server, database, { pace: 'full' }),
} satisfies Readonly<Record<string, Contestant>>;
type Name = keyof typeof CONTESTANTS;
const NAMES: readonly Name[] = ['one DELETE', 'LIMIT loop', 'maint prune'];

interface Race {
  readonly isIndexed: boolean;
  readonly hasSnapshot: boolean;
}
const RACES = {
  indexed: { isIndexed: true, hasSnapshot: false },
  'old snapshot': { isIndexed: true, hasSnapshot: true },
  'without index': { isIndexed: false, hasSnapshot: false },
} satisfies Readonly<Record<string, Race>>;

interface Result {
  readonly race: string;
  readonly name: Name;
  readonly rowsDeleted: number;
  readonly rowsPerSecond: number;
  readonly longestMs: number;
}

const { cluster } = await openDurableServer({ autovacuum: 'off' });
await using held = cluster;
await makeEvents(held, 'filled', rows);
const results: Result[] = [];
for (let round = 1; round <= rounds; round += 1)
  for (const [race, circumstances] of Object.entries(RACES).filter(([name]) => only === undefined || name === only))
    for (const name of NAMES) results.push({ race, name, ...(await run(name, circumstances)) });
console.table(results);

const rate = (race: keyof typeof RACES, name: Name): number =>
  middle(results.filter((each) => each.race === race && each.name === name).map((each) => each.rowsPerSecond));
const ours = results.filter(({ name }) => name === 'maint prune');
const claims = [
  {
    claim: 'with an index, against the single DELETE',
    value: rate('indexed', 'maint prune') / rate('indexed', 'one DELETE'),
    atLeast: 0.7,
    unit: 'x',
  },
  { claim: 'without an index', value: rate('without index', 'maint prune'), atLeast: 200_000, unit: 'rows/s' },
  { claim: 'longest transaction', value: Math.max(...ours.map(({ longestMs }) => longestMs)), atMost: 500, unit: 'ms' },
  {
    claim: 'while an old snapshot is open, against a LIMIT loop',
    value: rate('old snapshot', 'maint prune') / rate('old snapshot', 'LIMIT loop'),
    atLeast: 20,
    unit: 'x',
  },
];
// What was not raced has no rate.
printTargets(claims.filter(({ value }) => !Number.isNaN(value)));

async function run(name: Name, { isIndexed, hasSnapshot }: Race): Promise<Omit<Result, 'race' | 'name'>> {
  await copyOf(held, 'filled', 'round');
  if (!isIndexed) await query(held, 'round', 'DROP INDEX events_at_idx');
  const reader = await connected(held, 'round');
  if (hasSnapshot) await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM events LIMIT 1');
  const startedAt = performance.now();
  const { rows: rowsDeleted, longestMs } = await CONTESTANTS[name](held, 'round');
  const ms = performance.now() - startedAt;
  await reader.end();
  return { rowsDeleted, rowsPerSecond: Math.round((rowsDeleted / ms) * 1_000), longestMs: Math.round(longestMs) };
}

async function oneDelete(server: Cluster, database: string): Promise<Done> {
  const startedAt = performance.now();
  return { rows: await query(server, database, ONE_DELETE), longestMs: performance.now() - startedAt };
}

async function limitLoop(server: Cluster, database: string): Promise<Done> {
  const client = await connected(server, database);
  const end = performance.now() + PATIENCE_MS;
  let [deleted, longestMs] = [0, 0];
  for (;;) {
    const startedAt = performance.now();
    const { rowCount } = await client.query(
      `DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < now() - interval '30 days' ORDER BY at LIMIT 5000)`,
    );
    longestMs = Math.max(longestMs, performance.now() - startedAt);
    deleted += rowCount ?? 0;
    if (rowCount === 0 || performance.now() > end) break;
  }
  await client.end();
  return { rows: deleted, longestMs };
}
