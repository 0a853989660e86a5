/**
 * How long does `maint verify-backup` take, with the hash checked and the rows counted in the same pass, against the
 * pipeline that only decodes? Run it as `node bench/verify.ts [scale=2] [rounds=5]`; the built program must be there.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  judged,
  maint,
  markdown,
  MB,
  measureSuccess,
  median,
  shell,
  sizeOf,
  type Command,
  type Measure,
} from './measure.ts';
import { openMixedCluster } from './mixed-cluster.ts';

const [scale = 2, rounds = 5] = process.argv.slice(2, 4).map(Number);
const RAW = 'zstd -dc \\| pg_restore -f /dev/null';
const LEVELS = ['decode', 'checksum', 'present'];
const DECODE = 'maint verify-backup --level decode';
const MOST_OF_RAW = 1.5;

const place = mkdtempSync(join(tmpdir(), 'maint-bench-'));
try {
  const env = await makeBackup();
  const dump = newestDump();
  console.log(`dump of ${(sizeOf(dump) / MB).toFixed(0)} MB, ${rounds} rounds, the median of each\n`);
  const contenders: Readonly<Record<string, Command>> = {
    [RAW]: shell(`zstd -dcq ${dump} | pg_restore -f /dev/null`),
    ...Object.fromEntries(
      LEVELS.map((level) => [
        `maint verify-backup --level ${level}`,
        { ...maint('verify-backup', '--directory', join(place, 'repo'), '--level', level), env, cwd: place },
      ]),
    ),
  };
  const measures = await race(contenders);
  const wall = (name: string): number => median(measures.get(name) ?? []).wallSeconds;
  console.log(`${table(measures)}\n\n${judged('× raw decode', wall(DECODE) / wall(RAW), MOST_OF_RAW)}`);
} finally {
  rmSync(place, { recursive: true, force: true });
}

/**
 * The server is gone while the backups are verified: they need none.
 * @returns the environment for maint
 */
async function makeBackup(): Promise<Readonly<Record<string, string>>> {
  await using mixed = await openMixedCluster(scale);
  console.log(`PostgreSQL ${mixed.programs.major}, database ${(mixed.databaseBytes / MB).toFixed(0)} MB on disk`);
  const env = { MAINT_STATE_DIR: join(place, 'state'), DATABASE_URL: mixed.cluster.url('mixed') };
  await measureSuccess({ ...maint('backup', '--directory', join(place, 'repo')), env, cwd: place });
  return env;
}

function newestDump(): string {
  const repository = join(place, 'repo');
  const found = readdirSync(repository, { recursive: true, encoding: 'utf8' }).find((name) =>
    name.endsWith('data.dump.zst'),
  );
  if (found === undefined) throw new Error(`no dump in ${repository}`);
  return join(repository, found);
}

/** In turn, so that what the machine does meanwhile meets each alike; the round before the first warms the caches. */
async function race(contenders: Readonly<Record<string, Command>>): Promise<ReadonlyMap<string, readonly Measure[]>> {
  const measures = new Map<string, Measure[]>(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, command] of Object.entries(contenders)) {
      const measured = await measureSuccess(command);
      if (round > 0) measures.get(name)?.push(measured);
    }
  }
  return measures;
}

function table(measures: ReadonlyMap<string, readonly Measure[]>): string {
  const raw = median(measures.get(RAW) ?? []).wallSeconds;
  const rows = [...measures].map(([name, runs]) => {
    const middle = median(runs);
    return [
      name,
      middle.wallSeconds.toFixed(2),
      middle.cpuSeconds.toFixed(2),
      (Math.max(...runs.map(({ treeBytes }) => treeBytes)) / MB).toFixed(0),
      (middle.wallSeconds / raw).toFixed(2),
      middle.foreignCpuSeconds.toFixed(1),
    ];
  });
  return markdown([['', 'wall s', 'CPU s', 'peak MB (PSS, tree)', '× raw decode', 'CPU s of others'], ...rows]);
}
