import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { clientPrograms, type ClientPrograms } from '../../src/adapters/client-programs.ts';
import { libpqEnvironment, type Connection } from '../../src/adapters/connection.ts';

/** Client programs with some of them replaced by shell scripts; `$REAL` in a script is the program it stands for. */
export async function withFakes(
  connection: Connection,
  scripts: Readonly<Record<string, string>>,
): Promise<ClientPrograms> {
  const directory = await mkdtemp(join(tmpdir(), 'maint-fakes-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [name, script] of Object.entries(scripts)) {
    const path = join(directory, name);
    const real = `REAL=$(PATH='${process.env['PATH'] ?? ''}' command -v ${name})`;
    await writeFile(path, `#!/bin/bash\n${real}\n[ "$1" = --version ] && exec "$REAL" "$@"\n${script}\n`);
    await chmod(path, 0o755);
  }
  return clientPrograms([directory], process.env['PATH'], libpqEnvironment(connection));
}

/** Client programs on a machine without zstd. */
export function withoutZstd(connection?: Connection): ClientPrograms {
  return clientPrograms([], '/nonexistent', connection === undefined ? {} : libpqEnvironment(connection));
}
