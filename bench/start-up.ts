/**
 * How much CPU `maint --help`, a usage error and `maint completion` cost, beside an empty Node program.
 * Run it with `node bench/start-up.ts [rounds]`; the built program (`npm run build`) must be there.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const DOOR = join(import.meta.dirname, '..', 'bin', 'maint.js');
const ROUNDS = Number(process.argv[2] ?? 20);

interface Contestant {
  readonly name: string;
  readonly args: readonly string[];
}

const CONTESTANTS: readonly Contestant[] = [
  { name: 'empty Node program', args: ['-e', '0'] },
  { name: 'maint --version', args: [DOOR, '--version'] },
  { name: 'maint --help', args: [DOOR, '--help'] },
  { name: 'maint backup --help', args: [DOOR, 'backup', '--help'] },
  { name: 'maint helth (a typing error)', args: [DOOR, 'helth'] },
];

/** User and system time of one whole process in milliseconds, as the shell's own accounting gives it. */
function cpuMs(args: readonly string[]): number {
  const script = `TIMEFORMAT='%3U %3S'; time "$0" "$@" >/dev/null 2>/dev/null`;
  const { stderr } = spawnSync('bash', ['-c', script, process.execPath, ...args], { encoding: 'utf8' });
  const [user = '0', system = '0'] = stderr.trim().split(' ');
  return (Number(user) + Number(system)) * 1_000;
}

const results = CONTESTANTS.map(({ name, args }) => ({ name, args, ms: new Array<number>() }));
// The first round warms up the compile cache and is not counted.
for (let round = 0; round <= ROUNDS; round += 1)
  for (const { args, ms } of results) {
    const spent = cpuMs(args);
    if (round > 0) ms.push(spent);
  }

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const empty = results[0]?.ms ?? [];
console.table(
  results.map(({ name, ms }) => ({
    program: name,
    'median CPU ms': Math.round(median(ms)),
    'times the empty one, pair by pair': Number(
      median(ms.map((spent, round) => spent / (empty[round] ?? Number.NaN))).toFixed(2),
    ),
  })),
);
