import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { keyFile } from '../support/age.ts';
import { clusterUrl, queryOnce } from '../support/database.ts';
import { MANY_ROWS } from '../support/copying-site.ts';
import type { RunningMaint } from '../support/maint.ts';
import { descendants, until } from '../support/process-table.ts';
import { test, type Site } from '../support/site.ts';

/** Of each victim. */
const MOMENTS = 10;
/** About as long as the dump takes. */
const LONGEST_MS = 700;
const PATIENCE = { timeout: 300_000 };

/** Ends a program of a running backup without warning. */
type Blow = (site: Site, running: RunningMaint) => void | Promise<void>;

function program(name: string): Blow {
  return (_, { child }) => {
    for (const { pid, commandLine } of descendants(child.pid ?? 0))
      if (new RegExp(`^(\\S*/)?${name} -`).test(commandLine)) kill(pid, 'SIGKILL');
  };
}

function session(condition: string): Blow {
  return async ({ database }) => {
    await queryOnce(
      clusterUrl('postgres'),
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.name}' AND ${condition}`,
    );
  };
}

const BLOWS: Readonly<Record<string, Blow>> = {
  pg_dump: program('pg_dump'),
  zstd: program('zstd'),
  'the session of pg_dump': session(`application_name LIKE 'maint/backup %' AND backend_type = 'client backend'`),
  'the session of the snapshot': session(`state = 'idle in transaction'`),
  'maint, softly': (_, { child }) => kill(child.pid, 'SIGTERM'),
  'maint, at once': (_, { child }) => kill(child.pid, 'SIGKILL'),
};

test.for(Object.entries(BLOWS))(
  'killed at ten random moments, %s takes the new backup with it and no other, and the next run is well',
  PATIENCE,
  async ([, blow], { site }) => {
    await site.database.query(MANY_ROWS);
    const keys = await makeKeyPair();
    const identity = join(site.folder, 'key.txt');
    writeFileSync(identity, keyFile(keys).reveal(), { mode: 0o600 });
    const directory = join(site.folder, 'backups');
    const encryption = { recipients: [keys.recipient], identity: { file: identity } };
    const tasks = { backup: { keep: { last: 2 * MOMENTS } } };
    let whole = 0;
    for (let moment = 0; moment < MOMENTS; moment += 1) {
      // Every second one is encrypted.
      site.configure({ backups: { directory, ...(moment % 2 === 1 && { encryption }) }, tasks, alerts: {} });
      const running = site.start('backup');
      await until('it dumps', () => site.hidden().length > 0 || running.child.exitCode !== null);
      await setTimeout(randomInt(LONGEST_MS));
      await blow(site, running);
      const { exitCode, stdout, stderr } = await running.ended;
      // It may have been over before the blow.
      if (site.visible().length > whole) whole += 1;
      else expect(exitCode, stdout + stderr).not.toBe(0);
      expect(site.visible()).toHaveLength(whole);
    }
    expect(whole, 'blows that came too late').toBeLessThan(MOMENTS);
    site.configure({ backups: { directory, encryption }, tasks, alerts: {} });
    expect(await site.run('backup')).toMatchObject({ exitCode: 0 });
    expect(site.visible()).toHaveLength(whole + 1);
    expect(site.hidden()).toEqual([]);
    expect(await site.run('verify-backup', '--all')).toMatchObject({ exitCode: 0 });
  },
);

/** It may have ended by itself meanwhile. */
function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, signal);
  } catch {
    // It has.
  }
}
