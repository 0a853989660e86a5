/**
 * How long does `maint backup` take, with reading back and counting, against the pipeline that it is made of and against
 * plain pg_dump? Run it as `node bench/backup.ts [scale=1] [rounds=3] [levels=1]`; the database is made for it, and the
 * built program must be there.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeKeyPair } from '../src/adapters/age-keys.ts';
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
import { openMixedCluster, type MixedCluster } from './mixed-cluster.ts';

const [scale = 1, rounds = 3] = process.argv.slice(2, 4).map(Number);
const levels = (process.argv[4] ?? '1').split(',').map(Number);
const [LEVEL = 1] = levels;
const PIPELINE = 'pg_dump -Fc -Z0, zstd -3 -T2';
const PLAIN = 'pg_dump -Fc';
const ENCRYPTED = `maint backup, level ${LEVEL}, encrypted to two keys`;
/** Of the wall time of the pipeline, the same with encryption, and of plain pg_dump. */
const MOST = { pipeline: 1.2, encrypted: 1.25, plain: 0.35 };

interface Taken extends Measure {
  readonly storedBytes: number;
}

const place = mkdtempSync(join(tmpdir(), 'maint-bench-'));
try {
  await using mixed = await openMixedCluster(scale);
  const size = (mixed.databaseBytes / MB).toFixed(0);
  console.log(`PostgreSQL ${mixed.programs.major}, database ${size} MB on disk, ${rounds} rounds\n`);
  const measures = await race(await contendersFor(mixed));
  console.log(`\n${table(measures)}\n`);
  const wall = (name: string): number => median(measures.get(name) ?? []).wallSeconds;
  const ours = wall(nameOf(LEVEL));
  console.log(judged('× zstd pipeline', ours / wall(PIPELINE), MOST.pipeline));
  console.log(judged('× zstd pipeline, encrypted', wall(ENCRYPTED) / wall(PIPELINE), MOST.encrypted));
  console.log(judged('× pg_dump -Fc', ours / wall(PLAIN), MOST.plain));
} finally {
  rmSync(place, { recursive: true, force: true });
}

function nameOf(level: number): string {
  return `maint backup, level ${level}`;
}

async function contendersFor(mixed: MixedCluster): Promise<Readonly<Record<string, Command>>> {
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

/** In turn, so that what the machine does meanwhile meets each alike; each begins with an empty folder. */
async function race(contenders: Readonly<Record<string, Command>>): Promise<ReadonlyMap<string, readonly Taken[]>> {
  const measures = new Map<string, Taken[]>(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, command] of Object.entries(contenders)) {
      rmSync(join(place, 'out'), { recursive: true, force: true });
      mkdirSync(join(place, 'out'));
      const measured = { ...(await measureSuccess(command)), storedBytes: sizeOf(join(place, 'out')) };
      measures.get(name)?.push(measured);
      const others = measured.foreignCpuSeconds.toFixed(1);
      console.log(`round ${round}: ${name.padEnd(44)} ${measured.wallSeconds.toFixed(1)} s, others ${others} CPU s`);
    }
  }
  return measures;
}

function table(measures: ReadonlyMap<string, readonly Taken[]>): string {
  const wall = (name: string): number => median(measures.get(name) ?? []).wallSeconds;
  const rows = [...measures].map(([name, runs]) => {
    const middle = median(runs);
    return [
      name,
      middle.wallSeconds.toFixed(1),
      middle.cpuSeconds.toFixed(1),
      ((runs[0]?.storedBytes ?? 0) / MB).toFixed(0),
      (Math.max(...runs.map(({ treeBytes }) => treeBytes)) / MB).toFixed(0),
      (middle.wallSeconds / wall(PIPELINE)).toFixed(2),
      (middle.wallSeconds / wall(PLAIN)).toFixed(2),
      middle.foreignCpuSeconds.toFixed(1),
    ];
  });
  const ratios = ['× zstd pipeline', '× pg_dump -Fc', 'CPU s of others'];
  return markdown([['', 'wall s', 'CPU s', 'stored MB', 'peak MB (PSS, tree)', ...ratios], ...rows]);
}
