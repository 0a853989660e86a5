import { parseManifest, type Manifest } from '../../src/backups/manifest.ts';

/** The manifest of a small backup, as it reads back from the disk. */
export function makeManifest(changes: Partial<Manifest> = {}): Manifest {
  const manifest = parseManifest(
    JSON.stringify({
      format: 'maint-backup/1',
      id: '20261122T030000Z-aaaa',
      label: 'app',
      tools: { pgDump: 'pg_dump (PostgreSQL) 15.18', pgDumpMajor: 15, zstd: 'zstd' },
      server: { version: '15.18', major: 15, encoding: 'UTF8', isStandby: false },
      database: 'app',
      snapshot: { id: '00000003-0000001B-1', takenAt: '2026-11-22T03:00:00.250Z' },
      artifacts: [{ path: 'data.dump.zst', bytes: 1_000, sha256: '0'.repeat(64), codec: ['pg_dump-custom', 'zstd'] }],
      tables: { 'public.users': { rows: 3_000 } },
      excluded: [],
      warnings: [],
      durations: { dump: 1 },
      verify: { level: 'decode', at: '2026-11-22T03:00:05.000Z', result: 'pass' },
      ...changes,
    }),
  );
  if (typeof manifest === 'string') throw new Error(manifest);
  return manifest;
}
