/**
 * Two hundred backups of databases that nobody would want, each verified, without one false alarm. Run it as
 * `node test/soak/verifications.ts [count=200]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Client } from 'pg';
import { startCluster } from '../../src/adapters/cluster.ts';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { findServerPrograms } from '../../src/adapters/server-programs.ts';
import { Secret } from '../../src/base/secret.ts';
import { backup } from '../../src/tasks/backup.ts';
import { verifyBackup } from '../../src/tasks/verify-backup.ts';
import { oddDatabase, type OddDatabase } from '../support/odd-databases.ts';
import { noDatabase, runTask } from '../support/run-task.ts';

const count = Number(process.argv[2] ?? 200);
const LIMITS = { connectTimeoutMs: 10_000, statementTimeoutMs: 60_000, lockTimeoutMs: 5_000 };

const [programs] = await findServerPrograms(process.env['PATH']);
if (programs === undefined) throw new Error('no PostgreSQL server programs found; install the package postgresql');
await using cluster = await startCluster({
  binDirectory: programs.binDirectory,
  parentDirectory: tmpdir(),
  uid: process.getuid?.(),
});
const folder = mkdtempSync(join(tmpdir(), 'maint-soak-'));
let verified = 0;
try {
  await fc.assert(fc.asyncProperty(oddDatabase, verifyOne), { numRuns: count, endOnFailure: true });
  console.log(`${verified} good backups verified, no alarm`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function verifyOne({ statements, rows }: OddDatabase): Promise<void> {
  const name = `odd_${verified}`;
  await run('postgres', [`CREATE DATABASE ${name}`]);
  await run(name, statements);
  const connection = parseConnection(new Secret(cluster.url(name)));
  const directory = join(folder, name);
  await using session = openSession({ connection, mode: 'read-write', limits: LIMITS, applicationName: 'maint/soak' });
  const [taken] = await runTask(backup, { directory }, { connection, database: session });
  const [found] = await runTask(verifyBackup, { directory }, { database: noDatabase });
  for (const outcome of [taken, found])
    if (outcome?.status !== 'done' || outcome.facts?.['rows'] !== rows)
      throw new Error(`a good backup of ${rows} rows: ${JSON.stringify(outcome)}`);
  verified += 1;
  await session[Symbol.asyncDispose]();
  await run('postgres', [`DROP DATABASE ${name} WITH (FORCE)`]);
  rmSync(directory, { recursive: true });
  if (verified % 20 === 0) console.log(`${verified} of ${count}`);
}

async function run(database: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ host: cluster.socketDirectory, port: cluster.port, user: cluster.superuser, database });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
