/** Runs every benchmark, one after the other, and prints their tables: `npm run bench`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BENCHES = [
  'start-up.ts',
  'health.ts',
  'check-postgres.ts',
  'alerts.ts',
  'backup.ts',
  'file-sets.ts',
  'verify.ts',
  'restore-test.ts',
  'peers.ts',
  'memory.ts',
  'prune.ts',
  'prune-growth.ts',
  'prune-beside.ts',
  'prune-replica.ts',
  'hotmesh.ts',
];

for (const name of BENCHES) {
  process.stdout.write(`\n## ${name}\n`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, name)], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
