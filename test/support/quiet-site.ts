import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../src/cli/main.ts';
import type { LedgerEntry } from '../../src/engine/ledger.ts';
import { openJournalToRead } from '../../src/engine/sqlite-journal.ts';
import { taskWords } from '../../src/tasks/words.ts';
import { makeWorld } from './world.ts';

/** What one call of maint has said. */
interface Answer {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Top-level keys to be replaced; blocks of tasks are laid over what switches them off. */
type Changes = Readonly<Record<string, unknown>> & { readonly tasks?: Readonly<Record<string, unknown>> };

/** A project without a database, whose daily round audits no certificate at all: only the schedule is real, and the clock is ours. */
export interface QuietSite {
  readonly folder: string;
  configure(changes?: Changes): void;
  at(instant: string, ...argv: readonly string[]): Promise<Answer>;
  /** Of a job, newest first. */
  entries(job: string): readonly LedgerEntry[];
}

/** Makes one in a folder of its own. */
export function quietSite(changes?: Changes): QuietSite {
  const folder = mkdtempSync(join(tmpdir(), 'maint-quiet-'));
  const off = Object.fromEntries(taskWords.map(({ name }) => [name, { enabled: false }]));
  const site: QuietSite = {
    folder,
    configure: ({ tasks, ...more }: Changes = {}) =>
      writeFileSync(
        join(folder, 'maint.yaml'),
        JSON.stringify({
          name: 'app',
          state: join(folder, 'state'),
          tasks: { ...off, 'cert-audit': { tier: 'daily' }, ...tasks },
          ...more,
        }),
        { mode: 0o600 },
      ),
    at: async (instant, ...argv) => {
      const world = makeWorld({ cwd: folder, env: { MAINT_STATE_DIR: undefined }, now: () => new Date(instant) });
      const exitCode = await main(argv, world);
      return { exitCode, out: world.out(), err: world.err() };
    },
    entries: (job) => {
      using journal = openJournalToRead(join(folder, 'state', 'app'));
      return journal.ledger.entries(job, 100);
    },
  };
  site.configure(changes);
  return site;
}
