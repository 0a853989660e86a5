/**
 * How long does `maint verify-backup` take, with the hash checked and the rows counted in the same pass, against the
 * pipeline that only decodes? Run it as `node bench/verify.ts [scale=2] [rounds=5]`; the built program must be there.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { judged, judgedAtLeast, maint, MB, measureSuccess, shell, sizeOf } from './measure.ts';
import { openMixedCluster } from './mixed-cluster.ts';
import { benchFolder, COLUMNS, raceCommands, table, times, type Contenders } from './race.ts';

const [scale = 2, rounds = 5] = process.argv.slice(2, 4).map(Number);
const RAW = 'zstd -dc \\| pg_restore -f /dev/null';
const LEVELS = ['decode', 'checksum', 'present'];
const DECODE = 'maint verify-backup --level decode';
const MOST_OF_RAW = 1.5;
/** Of the dump before it was compressed. */
const LEAST_MB_PER_SECOND = 250;

using folder = benchFolder();
const place = folder.path;
const env = await makeBackup();
const dump = newestDump();
const raw = Number(execFileSync('sh', ['-c', 'zstd -dcq "$0" | wc -c', dump]));
console.log(`dump of ${(sizeOf(dump) / MB).toFixed(0)} MB, ${(raw / MB).toFixed(0)} MB raw, ${rounds} rounds\n`);
const contenders: Contenders = {
  [RAW]: shell(`zstd -dcq ${dump} | pg_restore -f /dev/null`),
  ...Object.fromEntries(
    LEVELS.map((level) => [
      `maint verify-backup --level ${level}`,
      { ...maint('verify-backup', '--directory', join(place, 'repo'), '--level', level), env, cwd: place },
    ]),
  ),
};
const found = await raceCommands(contenders, { rounds, warmsUp: true });
const { 'wall s': wall, 'CPU s': cpu, 'peak MB (PSS, tree)': peak, 'CPU s of others': others } = COLUMNS;
const columns = {
  'wall s': wall,
  'CPU s': cpu,
  'peak MB (PSS, tree)': peak,
  '× raw decode': times(found, RAW),
  'CPU s of others': others,
};
console.log(`\n${table(found, columns)}\n`);
console.log(judged('× raw decode', found.wallSeconds(DECODE) / found.wallSeconds(RAW), MOST_OF_RAW));
console.log(judgedAtLeast('MB of raw dump a second', raw / MB / found.wallSeconds(DECODE), LEAST_MB_PER_SECOND));

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
