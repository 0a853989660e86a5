/**
 * How long does `maint backup` take, with reading back and counting, against the pipeline that it is made of and against
 * plain pg_dump? Run it as `node bench/backup.ts [scale=1] [rounds=3] [levels=1]`, or with the data of pgbench as
 * `node bench/backup.ts 50 3 1 pgbench`; the database is made for it, and the built program must be there.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeKeyPair } from '../src/adapters/age-keys.ts';
import { judged, maint, MB, measureSuccess, shell, sizeOf, type Command, type Measure } from './measure.ts';
import { openMixedCluster, type MixedCluster } from './mixed-cluster.ts';
import { benchFolder, COLUMNS, peakOwnBytes, peakTreeBytes, race, table, times, type Contenders } from './race.ts';

const [scale = 1, rounds = 3] = process.argv.slice(2, 4).map(Number);
const levels = (process.argv[4] ?? '1').split(',').map(Number);
const [LEVEL = 1] = levels;
const data = process.argv[5] === 'pgbench' ? 'pgbench' : 'mixed';
const PIPELINE = 'pg_dump -Fc -Z0, zstd -3 -T2';
const PLAIN = 'pg_dump -Fc';
const ENCRYPTED = `maint backup, level ${LEVEL}, encrypted to two keys`;
/** Of the wall time of the pipeline, the same with encryption, and of plain pg_dump; memory in MB. */
const MOST = { pipeline: 1.2, encrypted: 1.25, plain: data === 'pgbench' ? 1.1 : 0.35, treeMB: 250, ownMB: 120 };

interface Taken extends Measure {
  readonly storedBytes: number;
}

using folder = benchFolder();
const place = folder.path;
await using mixed = await openMixedCluster(scale, {}, data);
const size = (mixed.databaseBytes / MB).toFixed(0);
console.log(`PostgreSQL ${mixed.programs.major}, database ${size} MB on disk, ${rounds} rounds\n`);
const found = await race(await contendersFor(mixed), { rounds, run: take });
const ours = nameOf(LEVEL);
const { 'wall s': wall, 'CPU s': cpu, 'peak MB (PSS, tree)': peak, 'CPU s of others': others } = COLUMNS;
const columns = {
  'wall s': wall,
  'CPU s': cpu,
  'stored MB': ([first]: readonly Taken[]) => ((first?.storedBytes ?? 0) / MB).toFixed(0),
  'peak MB (PSS, tree)': peak,
  'peak MB, resident': COLUMNS['peak MB, resident'],
  '× zstd pipeline': times(found, PIPELINE),
  '× pg_dump -Fc': times(found, PLAIN),
  'CPU s of others': others,
};
console.log(`\n${table(found, columns)}\n`);
const share = (name: string, of: string): number => found.wallSeconds(name) / found.wallSeconds(of);
console.log(judged('× zstd pipeline', share(ours, PIPELINE), MOST.pipeline));
console.log(judged('× zstd pipeline, encrypted', share(ENCRYPTED, PIPELINE), MOST.encrypted));
console.log(judged('× pg_dump -Fc', share(ours, PLAIN), MOST.plain));
const runs = found.runs.get(ours) ?? [];
console.log(judged('MB of the whole tree', peakTreeBytes(runs) / MB, MOST.treeMB));
console.log(judged('MB of maint itself', peakOwnBytes(runs) / MB, MOST.ownMB));

function nameOf(level: number): string {
  return `maint backup, level ${level}`;
}

async function contendersFor(mixed: MixedCluster): Promise<Contenders> {
  const { cluster, environment: env } = mixed;
  const out = join(place, 'out', 'dump');
  const pairs = [await makeKeyPair(), await makeKeyPair()];
  const recipients = pairs.map(({ recipient }) => recipient);
  const backup = (name: string, level: number, keys: readonly string[]): Command => {
    const file = join(place, `${name}.json`);
    const settings = {
      name: 'bench',
      database: { url: '${DATABASE_URL}' },
      state: join(place, 'out', 'state'),
      backups: { directory: join(place, 'out', 'repo'), encryption: { recipients: keys } },
      tasks: { backup: { compressionLevel: level } },
    };
    writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
    return { ...maint('backup', '--config', file), env: { DATABASE_URL: cluster.url('mixed') }, cluster };
  };
  return {
    [PIPELINE]: { ...shell(`pg_dump -Fc -Z0 mixed | zstd -3 -T2 -q -f -o ${out}`), env, cluster },
    ...Object.fromEntries(levels.map((level) => [nameOf(level), backup(`level-${level}`, level, [])])),
    [ENCRYPTED]: backup('encrypted', LEVEL, recipients),
    [PLAIN]: { ...shell(`pg_dump -Fc -f ${out} mixed`), env, cluster },
  };
}

/** Each begins with an empty folder. */
async function take(command: Command): Promise<Taken> {
  const out = join(place, 'out');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  return { ...(await measureSuccess(command)), storedBytes: sizeOf(out) };
}
