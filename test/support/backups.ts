import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listFolder } from '../../src/adapters/files.ts';
import type { Session } from '../../src/adapters/postgres.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import { backup } from '../../src/tasks/backup.ts';
import { verifyBackup } from '../../src/tasks/verify-backup.ts';
import { test as base, type TestDatabase } from './database.ts';
import { noDatabase, performSteps, planTask, runTask, type Around } from './run-task.ts';

/** A place for backups, and the two tasks bound to it. */
export interface Vault {
  readonly directory: string;
  /** Takes a backup; the outcome of its dump. */
  take(settings?: object, around?: Partial<Around>): Promise<Outcome>;
  /** Takes a backup and lets old ones go; the outcome of the second step. */
  expire(settings?: object, around?: Partial<Around>): Promise<Outcome>;
  /** Verifies the newest backup without a database. */
  verify(settings?: object, around?: Partial<Around>): Promise<Outcome>;
  /** Verifies each backup. */
  verifyAll(): Promise<readonly (Outcome & { readonly title: string })[]>;
  /** Absolute paths of the visible backups, oldest first. */
  backups(): Promise<readonly string[]>;
  /** Names of everything in the label's folder, hidden ones too. */
  everything(): Promise<readonly string[]>;
}

interface Fixtures {
  vault: Vault;
}

/** `test` with a fresh database and an empty place for its backups. */
export const test = base.extend<Fixtures>({
  vault: async ({ database, session }, use) => {
    const directory = await mkdtemp(join(tmpdir(), 'maint-vault-'));
    await use(openVault(directory, database, session));
    await rm(directory, { recursive: true, force: true });
  },
});

function openVault(directory: string, { connection }: TestDatabase, session: Session): Vault {
  const everything = async (): Promise<readonly string[]> =>
    (await listFolder(join(directory, 'app')))?.map(({ name }) => name) ?? [];
  const run = (settings?: object, around?: Partial<Around>): Promise<readonly Outcome[]> =>
    runTask(backup, { directory, ...settings }, { connection, database: session, ...around });
  return {
    directory,
    take: async (settings, around) => first(await run(settings, around)),
    expire: async (settings, around) => first((await run(settings, around)).slice(1)),
    verify: async (settings, around) =>
      first(await runTask(verifyBackup, { directory, ...settings }, { database: noDatabase, ...around })),
    verifyAll: async () => {
      const steps = await planTask(verifyBackup, { directory, which: 'all' }, { database: noDatabase });
      const outcomes = await performSteps(steps, { database: noDatabase });
      return outcomes.map((outcome, index) => ({ ...outcome, title: steps[index]?.title ?? '' }));
    },
    backups: async () => {
      const names = (await everything()).filter((name) => /^\d/.test(name));
      const dated = await Promise.all(
        names.map(async (name) => ({ name, at: await takenAt(join(directory, 'app', name)) })),
      );
      return dated.toSorted(byAge).map(({ name }) => join(directory, 'app', name));
    },
    everything,
  };
}

function first([outcome]: readonly Outcome[]): Outcome {
  if (outcome === undefined) throw new Error('the task had no step');
  return outcome;
}

interface Dated {
  readonly name: string;
  /** When its snapshot was taken, as ISO text; empty where its manifest does not say. */
  readonly at: string;
}

/** Names count seconds and end in a random part, so within one second the snapshots tell which came first. */
function byAge(a: Dated, b: Dated): number {
  return a.name.slice(0, 16).localeCompare(b.name.slice(0, 16)) || a.at.localeCompare(b.at);
}

async function takenAt(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => '');
  return /"takenAt": "([^"]+)"/.exec(text)?.[1] ?? '';
}
