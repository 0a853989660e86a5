import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Queries } from './hotmesh.ts';

/** When a run is to be killed: so many milliseconds after so many batches. */
export interface Kill {
  readonly batches: number;
  readonly ms?: number;
}

/** Prunes in a process of its own, and kills it where that is asked for. @returns whether it came to its end */
export async function pruneInChild(url: string, settings: object, kill?: Kill): Promise<boolean> {
  const script = fileURLToPath(new URL('prune-once.ts', import.meta.url));
  const child = spawn(process.execPath, [script, url, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let seen = 0;
  child.stdout.on('data', (said: Buffer) => {
    seen += said.toString('utf8').split('.').length - 1;
    if (kill !== undefined && seen >= kill.batches)
      setTimeout(kill.ms ?? 0).then(
        () => child.kill('SIGKILL'),
        () => undefined,
      );
  });
  const [code] = await once(child, 'exit');
  return code === 0;
}

/** What a killed run began may still go on in its server process. */
export async function waitUntilAlone(database: Queries): Promise<void> {
  const [row] = await database.query<{ others: number }>(
    `SELECT count(*)::int AS others FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'maint/prune'`,
  );
  if (row !== undefined && row.others > 0) return waitUntilAlone(database);
}
