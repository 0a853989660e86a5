/**
 * Does a row take longer to go the more rows there are? `maint prune` at full pace over tables of one, three and ten times
 * so many rows, half of each to go. The server flushes what it commits.
 * Run it with `node bench/prune-growth.ts [rows of the smallest=1000000] [rounds=3]`.
 */
import { copyOf, makeEvents, openDurableServer, pruneEvents } from './prune-events.ts';
import { middle, printTargets } from './targets.ts';

const [smallest = 1_000_000, rounds = 3] = process.argv.slice(2, 4).map(Number);
const SIZES = [1, 3, 10].map((times) => Math.round(times * smallest));

const { cluster } = await openDurableServer({ autovacuum: 'off' });
await using held = cluster;
for (const rows of SIZES) await makeEvents(held, `filled_${rows}`, rows);

// The first run of a process also reads and compiles the program.
await copyOf(held, `filled_${smallest}`, 'round');
await pruneEvents(held, 'round', { pace: 'full' });

const microsPerRow = new Map<number, number[]>(SIZES.map((rows) => [rows, []]));
for (let round = 1; round <= rounds; round += 1)
  for (const rows of SIZES) {
    await copyOf(held, `filled_${rows}`, 'round');
    const startedAt = performance.now();
    const { rows: deleted } = await pruneEvents(held, 'round', { pace: 'full' });
    microsPerRow.get(rows)?.push(((performance.now() - startedAt) * 1_000) / deleted);
  }

const table = SIZES.map((rows) => ({ rows, 'us per row': middle(microsPerRow.get(rows) ?? []) }));
console.table(table);
const times = table.map((each) => each['us per row']);
printTargets([
  { claim: 'slowest against fastest size', value: Math.max(...times) / Math.min(...times), atMost: 1.2, unit: 'x' },
]);
