/**
 * How long does `maint backup` take, with reading back and counting, against the pipeline that it is made of and against
 * plain pg_dump? Run it as `node bench/backup.ts [scale=1] [rounds=3] [levels=1,3]`; the database is made for it.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startCluster, type Cluster } from '../src/adapters/cluster.ts';
import { findServerPrograms } from '../src/adapters/server-programs.ts';
import { mixedDatabase } from './mixed-database.ts';
import { childrenCpuSeconds, machineCpuSeconds, watchMemory } from './process-tree.ts';

interface Measure {
  readonly wall: number;
  readonly clientCpu: number;
  readonly serverCpu: number;
  /** CPU seconds that others used meanwhile: a measure with many of them says little. */
  readonly foreignCpu: number;
  readonly peakBytes: number;
  readonly storedBytes: number;
}

const [scale = 1, rounds = 3] = process.argv.slice(2, 4).map(Number);
const levels = (process.argv[4] ?? '1,3').split(',');
const MB = 2 ** 20;

const [programs] = await findServerPrograms(process.env['PATH']);
if (programs === undefined) throw new Error('no PostgreSQL server programs found');
const place = mkdtempSync(join(tmpdir(), 'maint-bench-'));
const cluster = await startCluster({
  binDirectory: programs.binDirectory,
  parentDirectory: tmpdir(),
  uid: process.getuid?.(),
  settings: { shared_buffers: `'1GB'` },
});
try {
  const size = await fill(cluster);
  console.log(`PostgreSQL ${programs.major}, database ${(size / MB).toFixed(0)} MB on disk, ${rounds} rounds\n`);
  const contenders = contendersFor(cluster);
  const measures = new Map<string, Measure[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name, command, args } of contenders) {
      const measure = await run(command, args, cluster);
      measures.get(name)?.push(measure);
      console.log(
        `round ${round}: ${name.padEnd(34)} ${measure.wall.toFixed(1)} s, others ${measure.foreignCpu.toFixed(1)} CPU s`,
      );
    }
  }
  console.log(`\n${table(measures)}`);
} finally {
  await cluster[Symbol.asyncDispose]();
  rmSync(place, { recursive: true, force: true });
}

async function fill({ socketDirectory, port, superuser }: Cluster): Promise<number> {
  const login = { host: socketDirectory, port, user: superuser };
  const admin = new Client({ ...login, database: 'postgres' });
  await admin.connect();
  await admin.query('CREATE DATABASE mixed');
  await admin.end();
  const client = new Client({ ...login, database: 'mixed' });
  await client.connect();
  for (const statement of mixedDatabase(scale)) await client.query(statement);
  const { rows } = await client.query<{ size: string }>(`SELECT pg_database_size('mixed') AS size`);
  await client.end();
  return Number(rows[0]?.size ?? 0);
}

interface Contender {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

function contendersFor(cluster: Cluster): readonly Contender[] {
  const shell = (script: string): Omit<Contender, 'name'> => ({
    command: 'bash',
    args: ['-o', 'pipefail', '-c', script],
  });
  const out = join(place, 'out');
  return [
    { name: 'pg_dump -Fc -Z0 | zstd -3 -T2', ...shell(`pg_dump -Fc -Z0 mixed | zstd -3 -T2 -q -f -o ${out}`) },
    ...levels.map((level) => ({
      name: `maint backup, level ${level}`,
      command: process.execPath,
      args: [join(import.meta.dirname, 'backup-once.ts'), cluster.url('mixed'), join(place, 'repo'), level],
    })),
    {
      name: 'maint backup, level 1, encrypted',
      command: process.execPath,
      args: [join(import.meta.dirname, 'backup-once.ts'), cluster.url('mixed'), join(place, 'repo'), '1', 'bench', '2'],
    },
    { name: 'pg_dump -Fc', ...shell(`pg_dump -Fc -f ${out} mixed`) },
  ];
}

async function run(
  command: string,
  args: readonly string[],
  { directory, socketDirectory }: Cluster,
): Promise<Measure> {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  const postmaster = Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
  const before = {
    own: childrenCpuSeconds(process.pid),
    server: childrenCpuSeconds(postmaster),
    all: machineCpuSeconds(),
  };
  const startedAt = performance.now();
  const child = spawn(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PGHOST: socketDirectory, PGUSER: 'postgres' },
  });
  const memory = watchMemory(child.pid ?? 0);
  const code = await new Promise((resolve) => child.on('close', resolve));
  const wall = (performance.now() - startedAt) / 1_000;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}`);
  const clientCpu = childrenCpuSeconds(process.pid) - before.own;
  const serverCpu = childrenCpuSeconds(postmaster) - before.server;
  return {
    wall,
    clientCpu,
    serverCpu,
    foreignCpu: Math.max(0, machineCpuSeconds() - before.all - clientCpu - serverCpu),
    peakBytes: memory.stop().treeBytes,
    storedBytes: sizeOf(place),
  };
}

function sizeOf(path: string): number {
  const facts = statSync(path);
  if (!facts.isDirectory()) return facts.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

function table(measures: ReadonlyMap<string, readonly Measure[]>): string {
  const medians = new Map(
    [...measures].map(([name, runs]) => [name, (of: (m: Measure) => number) => median(runs.map(of))]),
  );
  const wallOf = (name: string): number => medians.get(name)?.(({ wall }) => wall) ?? Number.NaN;
  const raw = wallOf('pg_dump -Fc -Z0 | zstd -3 -T2');
  const plain = wallOf('pg_dump -Fc');
  const lines = [...medians].map(([name, of]) => {
    const wall = of((m) => m.wall);
    const peak = Math.max(...(measures.get(name) ?? []).map(({ peakBytes }) => peakBytes)) / MB;
    return [
      name.padEnd(34),
      wall.toFixed(1),
      of((m) => m.clientCpu + m.serverCpu).toFixed(1),
      (of((m) => m.storedBytes) / MB).toFixed(0),
      peak.toFixed(0),
      (wall / raw).toFixed(2),
      (wall / plain).toFixed(2),
      of((m) => m.foreignCpu).toFixed(1),
    ].join(' | ');
  });
  const head =
    'median of the rounds | wall s | CPU s | stored MB | peak MB (PSS, tree) | × zstd pipeline | × pg_dump -Fc | CPU s of others';
  return [head, head.replaceAll(/[^|]+/g, '---'), ...lines].map((line) => `| ${line} |`).join('\n');
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
