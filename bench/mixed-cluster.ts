import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startCluster, type Cluster } from '../src/adapters/cluster.ts';
import { findServerPrograms, type ServerPrograms } from '../src/adapters/server-programs.ts';
import { mixedDatabase } from './mixed-database.ts';

/** A throw-away cluster whose database `mixed` holds what a production application holds, or what pgbench fills in. */
export interface MixedCluster extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly programs: ServerPrograms;
  /** On disk. */
  readonly databaseBytes: number;
  /** For programs of PostgreSQL. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * @param scale 1 is about 1 GB; for pgbench its own, where 70 is about as much
 * @param settings on top of those of a throw-away cluster
 * @param data pgbench's filler compresses a hundredfold, and flatters whoever compresses
 */
export async function openMixedCluster(
  scale: number,
  settings: Readonly<Record<string, string>> = {},
  data: 'mixed' | 'pgbench' = 'mixed',
): Promise<MixedCluster> {
  const [programs] = await findServerPrograms(process.env['PATH']);
  if (programs === undefined) throw new Error('no PostgreSQL server programs found; install the package postgresql');
  const cluster = await startCluster({
    binDirectory: programs.binDirectory,
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
    settings: { shared_buffers: `'1GB'`, ...settings },
  });
  try {
    return {
      cluster,
      programs,
      databaseBytes: await fill(cluster, scale, data === 'pgbench' ? programs : undefined),
      environment: { PGHOST: cluster.socketDirectory, PGUSER: cluster.superuser },
      [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
    };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

async function fill(
  { socketDirectory: host, port, superuser: user }: Cluster,
  scale: number,
  pgbench: ServerPrograms | undefined,
): Promise<number> {
  const admin = new Client({ host, port, user, database: 'postgres' });
  await admin.connect();
  await admin.query('CREATE DATABASE mixed');
  await admin.end();
  if (pgbench !== undefined) {
    const args = ['-i', '-q', '-s', String(scale), '-h', host, '-p', String(port), '-U', user, 'mixed'];
    execFileSync(join(pgbench.binDirectory, 'pgbench'), args, { stdio: 'ignore' });
  }
  const client = new Client({ host, port, user, database: 'mixed' });
  await client.connect();
  try {
    for (const statement of pgbench === undefined ? mixedDatabase(scale) : []) await client.query(statement);
    const { rows } = await client.query<{ size: string }>(`SELECT pg_database_size('mixed') AS size`);
    return Number(rows[0]?.size ?? 0);
  } finally {
    await client.end();
  }
}
