/**
 * How long does `maint restore-test` take against the same by hand: a throw-away cluster, the dump decompressed into a
 * file, `pg_restore -j2`? Run it as `node bench/restore-test.ts [scale=1] [rounds=3]`; the built program must be there.
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

const [scale = 1, rounds = 3] = process.argv.slice(2, 4).map(Number);
const JOBS = 2;
const MOST_OF_RAW = 1.15;
const RAW = `initdb, start, zstd -d, pg_restore -j${JOBS}, stop`;
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

const place = mkdtempSync(join(tmpdir(), 'maint-bench-'));
chmodSync(place, 0o711);
try {
  const { account, binDirectory } = await makeBackup();
  const contenders: Readonly<Record<string, Command>> = {
    [RAW]: { ...shell(byHand(binDirectory)), account, cwd: join(place, 'hand') },
    'maint restore-test without amcheck': restoreTest('plain'),
    'maint restore-test': restoreTest('amcheck'),
  };
  const measures = new Map<string, Measure[]>(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 1; round <= rounds; round += 1)
    for (const [name, command] of Object.entries(contenders)) {
      const measured = await measureSuccess(command);
      measures.get(name)?.push(measured);
      console.log(`round ${round}: ${name}: ${measured.wallSeconds.toFixed(1)} s`);
    }
  const wall = (name: string): number => median(measures.get(name) ?? []).wallSeconds;
  const share = wall('maint restore-test without amcheck') / wall(RAW);
  console.log(`\n${table(measures)}\n\n${judged('× by hand, without amcheck', share, MOST_OF_RAW)}`);
} finally {
  rmSync(place, { recursive: true, force: true });
}

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

function byHand(binDirectory: string): string {
  const hand = join(place, 'hand');
  return [
    'set -e',
    `${binDirectory}/initdb -N -U postgres -A trust -E UTF8 --locale=C -D ${hand}/data >/dev/null`,
    ...SETTINGS.map((line) => `echo "${line}" >> ${hand}/data/postgresql.conf`),
    `${binDirectory}/pg_ctl start -w -s -D ${hand}/data -l ${hand}/log -o '-k ${hand}'`,
    `zstd -dqf ${dump()} -o ${hand}/dump`,
    `createdb -h ${hand} -U postgres restored`,
    `pg_restore -h ${hand} -U postgres -d restored -j${JOBS} ${hand}/dump`,
    `${binDirectory}/pg_ctl stop -s -m immediate -D ${hand}/data`,
    `rm -rf ${hand}/data ${hand}/dump ${hand}/log`,
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

function table(measures: ReadonlyMap<string, readonly Measure[]>): string {
  const raw = median(measures.get(RAW) ?? []).wallSeconds;
  const rows = [...measures].map(([name, runs]) => {
    const { wallSeconds } = median(runs);
    return [name, wallSeconds.toFixed(1), (wallSeconds / raw).toFixed(2)];
  });
  return markdown([['', 'wall s', '× by hand'], ...rows]);
}
