/**
 * How long does `maint restore-test` take against the same by hand: a throw-away cluster, the dump decompressed into a
 * file, `pg_restore -j2`? Run it as `node bench/restore-test.ts [scale=1] [rounds=3]`; the built program must be there.
 */
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { judged, maint, MB, measureSuccess, shell, sizeOf, type Command } from './measure.ts';
import { openMixedCluster } from './mixed-cluster.ts';
import { benchFolder, COLUMNS, raceCommands, table, times, type Contenders } from './race.ts';

const [scale = 1, rounds = 3] = process.argv.slice(2, 4).map(Number);
const JOBS = 2;
const MOST_OF_RAW = 1.15;
const RAW = `initdb, start, zstd -d, pg_restore -j${JOBS}, stop`;
const MOST_OF_STREAM = 0.9;
const STREAM = 'initdb, start, zstd -dc \\| pg_restore, stop';
const MOST_SECONDS_TO_READY = 4;
const READY = 'initdb, start, stop';
/** What maint gives its throw-away servers too; else not the programs but the settings would be compared. */
const SETTINGS = [
  "listen_addresses = ''",
  'fsync = off',
  'synchronous_commit = off',
  'full_page_writes = off',
  'autovacuum = off',
  'max_wal_size = 4GB',
  'wal_level = minimal',
  'max_wal_senders = 0',
  'maintenance_work_mem = 128MB',
];

using folder = benchFolder();
const place = folder.path;
chmodSync(place, 0o711);
const { account, binDirectory } = await makeBackup();
const byHand = (...load: readonly string[]): Command => ({
  ...shell(script(binDirectory, load)),
  account,
  cwd: join(place, 'hand'),
});
const OURS = 'maint restore-test without amcheck';
const hand = join(place, 'hand');
const contenders: Contenders = {
  [RAW]: byHand(
    `zstd -dqf ${dump()} -o ${hand}/dump`,
    `pg_restore -h ${hand} -U postgres -d restored -j${JOBS} ${hand}/dump`,
  ),
  [STREAM]: byHand(`zstd -dcq ${dump()} | pg_restore -h ${hand} -U postgres -d restored`),
  [READY]: byHand(),
  [OURS]: restoreTest('plain'),
  'maint restore-test': restoreTest('amcheck'),
};
const found = await raceCommands(contenders, { rounds });
console.log(`\n${table(found, { 'wall s': COLUMNS['wall s'], '× by hand': times(found, RAW) })}\n`);
console.log(judged('× by hand, without amcheck', found.wallSeconds(OURS) / found.wallSeconds(RAW), MOST_OF_RAW));
console.log(
  judged('× one stream, without amcheck', found.wallSeconds(OURS) / found.wallSeconds(STREAM), MOST_OF_STREAM),
);
console.log(judged('seconds until a throw-away cluster is ready', found.wallSeconds(READY), MOST_SECONDS_TO_READY));

interface Ready {
  /** A server cannot run as root. */
  readonly account: { readonly uid: number; readonly gid: number };
  readonly binDirectory: string;
}

/** Takes a backup, and puts the dump where both can read it. */
async function makeBackup(): Promise<Ready> {
  await using mixed = await openMixedCluster(scale);
  console.log(`PostgreSQL ${mixed.programs.major}, database ${(mixed.databaseBytes / MB).toFixed(0)} MB on disk\n`);
  const { uid, gid } = statSync(mixed.cluster.directory);
  for (const folder of ['hand', 'scratch']) mkdirSync(join(place, folder));
  chownSync(join(place, 'hand'), uid, gid);
  chmodSync(join(place, 'scratch'), 0o711);
  configure('plain', false);
  configure('amcheck', true);
  const env = { DATABASE_URL: mixed.cluster.url('mixed') };
  await measureSuccess({ ...maint('backup', '--config', configOf('plain')), env, cwd: place });
  return { account: { uid, gid }, binDirectory: mixed.programs.binDirectory };
}

function configOf(name: string): string {
  return join(place, `${name}.yaml`);
}

function configure(name: string, amcheck: boolean): void {
  const settings = {
    name: 'bench',
    state: join(place, 'state'),
    backups: { directory: join(place, 'repo') },
    tasks: { 'restore-test': { amcheck, jobs: JOBS, scratch: join(place, 'scratch') } },
  };
  writeFileSync(configOf(name), JSON.stringify(settings), { mode: 0o600 });
}

function restoreTest(config: string): Command {
  return { ...maint('restore-test', '--config', configOf(config)), cwd: place };
}

function script(programs: string, load: readonly string[]): string {
  const data = join(place, 'hand', 'data');
  return [
    'set -e',
    `${programs}/initdb -N -U postgres -A trust -E UTF8 --locale=C -D ${data} >/dev/null`,
    ...SETTINGS.map((line) => `echo "${line}" >> ${data}/postgresql.conf`),
    `${programs}/pg_ctl start -w -s -D ${data} -l ${data}/../log -o '-k ${data}/..'`,
    `createdb -h ${data}/.. -U postgres restored`,
    ...load,
    `${programs}/pg_ctl stop -s -m immediate -D ${data}`,
    `rm -rf ${data} ${data}/../dump ${data}/../log`,
  ].join('\n');
}

/** The dump lies in private folders; whoever restores by hand must be able to read it. */
function dump(): string {
  const repository = join(place, 'repo');
  const name = readdirSync(repository, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith('.zst'));
  if (name === undefined) throw new Error(`no dump in ${repository}`);
  console.log(`dump of ${(sizeOf(join(repository, name)) / MB).toFixed(0)} MB`);
  for (let path = join(repository, name); path !== place; path = join(path, '..')) chmodSync(path, 0o755);
  return join(repository, name);
}
