import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stringify } from 'yaml';
import { test as withDatabase, type TestDatabase } from './database.ts';
import { runMaint, startMaint, type MaintEnd, type MaintRequest, type RunningMaint } from './maint.ts';
import { SIGNING_KEY, startReceiver, type Receiver } from './receiver.ts';

/** A set-up as a person would have it: configuration, state, backups, two alert channels, and a database. */
export interface Site {
  readonly folder: string;
  readonly configFile: string;
  /** Where journal and log are. */
  readonly state: string;
  /** Folder of the visible and hidden backups of the project. */
  readonly backups: string;
  readonly database: TestDatabase;
  readonly receiver: Receiver;
  /** Replaces the environment that the next runs get. */
  readonly env: Record<string, string>;
  /** Writes the configuration, with top-level keys replaced. */
  configure(changes?: Readonly<Record<string, unknown>>): void;
  run(...args: readonly string[]): Promise<MaintEnd>;
  start(...args: readonly string[]): RunningMaint;
  /** Names of the backups that a person would see. */
  visible(): readonly string[];
  /** Names of what a run keeps hidden while it works. */
  hidden(): readonly string[];
  /** Puts a program in front of the real one on the PATH. */
  shadow(program: string, script: string): void;
}

interface Fixtures {
  site: Site;
}

/** `test` with a set-up of its own. */
export const test = withDatabase.extend<Fixtures>({
  site: async ({ database }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'maint-site-'));
    await using receiver = await startReceiver();
    const site = makeSite(folder, database, receiver);
    site.configure();
    await use(site);
    rmSync(folder, { recursive: true, force: true });
  },
});

function makeSite(folder: string, database: TestDatabase, receiver: Receiver): Site {
  const configFile = join(folder, 'maint.yaml');
  const backups = join(folder, 'backups', 'app');
  const programs = join(folder, 'bin');
  const env: Record<string, string> = {
    PATH: `${programs}${delimiter}${process.env['PATH'] ?? ''}`,
    DATABASE_URL: database.url,
    HOOK_URL: receiver.webhookUrl,
    SLACK_URL: receiver.slackUrl,
  };
  mkdirSync(programs);
  const request = (args: readonly string[]): MaintRequest => ({
    args: [...args, '--config', configFile],
    env,
    cwd: folder,
  });
  const names = (): readonly string[] => list(backups);
  return {
    folder,
    configFile,
    state: join(folder, 'state', 'app'),
    backups,
    database,
    receiver,
    env,
    configure: (changes = {}) =>
      writeFileSync(configFile, stringify(withoutCanary({ ...settings(folder), ...changes })), { mode: 0o600 }),
    run: (...args) => runMaint(request(args)),
    start: (...args) => startMaint(request(args)),
    visible: () => names().filter((name) => !name.startsWith('.')),
    hidden: () => names().filter((name) => name.startsWith('.')),
    shadow: (program, script) => {
      writeFileSync(join(programs, program), `#!/bin/sh\n${script}\n`);
      chmodSync(join(programs, program), 0o755);
    },
  };
}

function settings(folder: string): Readonly<Record<string, unknown>> {
  return {
    name: 'app',
    database: { url: '${DATABASE_URL}', connectTimeout: '3s' },
    state: join(folder, 'state'),
    backups: { directory: join(folder, 'backups') },
    tasks: {
      backup: { keep: { last: 3 } },
      health: { disks: [folder], disk: { warnAt: 0.97, failAt: 0.99 }, memory: { warnAt: 0.97, failAt: 0.99 } },
    },
    alerts: {
      channels: [
        { name: 'hook', type: 'webhook', url: '${HOOK_URL}', signingKey: SIGNING_KEY },
        { name: 'chat', type: 'slack', url: '${SLACK_URL}' },
      ],
    },
  };
}

/** What a test receives must not depend on the day of the week. */
function withoutCanary(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { alerts } = config;
  return { ...config, alerts: { canary: { enabled: false }, ...(typeof alerts === 'object' && alerts) } };
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
