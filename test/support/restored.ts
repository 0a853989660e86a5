import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listFolder } from '../../src/adapters/files.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { restoreTest } from '../../src/tasks/restore-test.ts';
import type { Vault } from './backups.ts';
import { processes } from './process-table.ts';
import { noDatabase, runTask, type Around } from './run-task.ts';

/** Two tables of some 40 MB, and what stands between them in a dump. */
export const TWO_LARGE = `
  CREATE TABLE left_one AS SELECT n AS id, repeat(md5(n::text), 10) AS body FROM generate_series(1, 120000) AS n;
  CREATE TABLE small (id bigserial PRIMARY KEY, at timestamptz DEFAULT now());
  INSERT INTO small SELECT FROM generate_series(1, 10);
  CREATE TABLE right_one AS SELECT n AS id, repeat(md5(n::text), 10) AS body FROM generate_series(1, 120000) AS n;
  ALTER TABLE right_one ADD PRIMARY KEY (id);
  ALTER TABLE left_one ADD PRIMARY KEY (id), ADD FOREIGN KEY (id) REFERENCES right_one;
  SELECT lo_from_bytea(0, 'a large object');`;

/** What a restore test came to, and which files in its scratch folder its programs were given. */
interface Trial {
  readonly outcome: Outcome | undefined;
  readonly files: ReadonlySet<string>;
  /** Those programs, as they were called. */
  readonly commands: ReadonlySet<string>;
  /** What was left in the scratch folder. */
  readonly left: readonly string[];
}

/** Runs a restore test without amcheck in a scratch folder of its own, and looks meanwhile at its programs. */
export async function restored(vault: Vault, settings: object, around: Partial<Around> = {}): Promise<Trial> {
  const scratch = await mkdtemp(join(tmpdir(), 'maint-s-'));
  await chmod(scratch, 0o755);
  const files = new Set<string>();
  const commands = new Set<string>();
  const looking = setInterval(() => {
    for (const { commandLine } of processes())
      if (commandLine.includes(scratch))
        for (const [name] of commandLine.matchAll(/stream-\d\.list|unpacked\.dump/g)) {
          files.add(name);
          commands.add(commandLine);
        }
  }, 20);
  try {
    const [outcome] = await runTask(
      restoreTest,
      { directory: vault.directory, scratch, amcheck: false, ...settings },
      { database: noDatabase, ...around },
    );
    return { outcome, files, commands, left: ((await listFolder(scratch)) ?? []).map(({ name }) => name) };
  } finally {
    clearInterval(looking);
    await rm(scratch, { recursive: true });
  }
}
