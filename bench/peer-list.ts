import { chownSync, mkdirSync, readdirSync, statSync, writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { maint, shell, type Command } from './measure.ts';
import type { MixedCluster } from './mixed-cluster.ts';

/** Where the peers may write, and what they back up. */
export interface Place {
  readonly folder: string;
  readonly mixed: MixedCluster;
  /** The owner of the cluster, who may write below `owner` in the folder. */
  readonly account: { readonly uid: number; readonly gid: number };
}

/** One way to back a database up. */
export interface Peer {
  readonly name: string;
  /** Without it there is nothing to compare. */
  readonly program: string;
  /** Holds what it stores. */
  readonly repository: string;
  /** Called before each round with an empty place. @returns what must run before the backup, unmeasured */
  prepare(query: (sql: string) => Promise<void>): Promise<readonly Command[]>;
  readonly backup: Command;
  readonly verify: Command;
  /** How people would call it. */
  readonly verifiedBy: string;
}

/** All peers, maint among them. */
export function peersFor(place: Place): readonly Peer[] {
  return [ours(place, 1), ours(place, 3), pgBackRest(place), borgmatic(place), pgDump(place)];
}

/** The largest file of a repository holds the data. */
export function largestFile(folder: string): string {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  const [largest] = paths
    .map((path) => ({ path, facts: statSync(path) }))
    .filter(({ facts }) => facts.isFile())
    .toSorted((a, b) => b.facts.size - a.facts.size);
  if (largest === undefined) throw new Error(`${folder} holds no file`);
  return largest.path;
}

function ours({ folder, mixed }: Place, level: number): Peer {
  const repository = join(folder, 'maint');
  const config = join(folder, 'maint.yaml');
  const env = { MAINT_STATE_DIR: join(folder, 'state'), DATABASE_URL: mixed.cluster.url('mixed') };
  const run = (task: string): Command => ({ ...maint(task, '--config', config), env, cluster: mixed.cluster });
  return {
    name: `maint backup, zstd level ${level}`,
    program: 'zstd',
    repository,
    async prepare() {
      // A journal that knows earlier backups would miss them.
      rmSync(env.MAINT_STATE_DIR, { recursive: true, force: true });
      const settings = {
        name: 'bench',
        database: { url: '${DATABASE_URL}' },
        backups: { directory: repository },
        tasks: { backup: { compressionLevel: level } },
      };
      writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
      return [];
    },
    backup: run('backup'),
    verify: run('verify-backup'),
    verifiedBy: 'maint verify-backup',
  };
}

function pgBackRest({ folder, mixed, account }: Place): Peer {
  const home = join(folder, 'owner');
  const repository = join(home, 'pgbackrest');
  const config = join(home, 'pgbackrest.conf');
  const run = (command: string, ...args: readonly string[]): Command => ({
    file: 'pgbackrest',
    args: [`--config=${config}`, '--stanza=bench', ...args, command],
    env: { HOME: home },
    cwd: home,
    account,
    cluster: mixed.cluster,
  });
  return {
    name: 'pgBackRest, full, zst level 3, 2 processes',
    program: 'pgbackrest',
    repository,
    async prepare(query) {
      mkdirSync(repository);
      chownSync(repository, account.uid, account.gid);
      writeFileSync(config, pgBackRestSettings(home, repository, mixed));
      await query(`ALTER SYSTEM SET archive_command = 'pgbackrest --config=${config} --stanza=bench archive-push %p'`);
      await query('SELECT pg_reload_conf()');
      return [run('stanza-create')];
    },
    backup: run('backup', '--type=full'),
    verify: run('verify'),
    verifiedBy: 'pgbackrest verify',
  };
}

function pgBackRestSettings(home: string, repository: string, { cluster }: MixedCluster): string {
  const places = ['log', 'lock', 'spool'].map((kind) => `${kind}-path=${join(home, kind)}`);
  return [
    '[global]',
    `repo1-path=${repository}`,
    'repo1-retention-full=2',
    'compress-type=zst',
    'compress-level=3',
    'process-max=2',
    'start-fast=y',
    ...places,
    '[bench]',
    `pg1-path=${join(cluster.directory, 'data')}`,
    `pg1-socket-path=${cluster.socketDirectory}`,
    `pg1-port=${cluster.port}`,
    `pg1-user=${cluster.superuser}`,
    '',
  ].join('\n');
}

function borgmatic({ folder, mixed }: Place): Peer {
  const repository = join(folder, 'borg');
  const config = join(folder, 'borgmatic.yaml');
  const run = (...args: readonly string[]): Command => ({
    file: 'borgmatic',
    args: ['--config', config, ...args],
    env: {
      ...mixed.environment,
      HOME: folder,
      BORG_BASE_DIR: folder,
      BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
    },
    cluster: mixed.cluster,
  });
  return {
    name: 'borgmatic, its settings as they come',
    program: 'borgmatic',
    repository,
    async prepare() {
      mkdirSync(join(folder, 'nothing'), { recursive: true });
      const settings = {
        location: {
          source_directories: [join(folder, 'nothing')],
          repositories: [repository],
        },
        // A host that is a socket's folder would be taken for the folder of the dump: the environment names it.
        hooks: { postgresql_databases: [{ name: 'mixed' }] },
      };
      writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
      return [run('init', '--encryption', 'none')];
    },
    backup: run('create'),
    verify: run('check', '--force'),
    verifiedBy: 'borgmatic check',
  };
}

function pgDump({ folder, mixed }: Place): Peer {
  const repository = join(folder, 'pg_dump');
  const dump = join(repository, 'mixed.dump');
  return {
    name: 'pg_dump -Fc',
    program: 'pg_dump',
    repository,
    async prepare() {
      mkdirSync(repository);
      return [];
    },
    backup: { ...shell(`pg_dump -Fc -f ${dump} mixed`), env: mixed.environment, cluster: mixed.cluster },
    verify: { ...shell(`pg_restore --list ${dump} >/dev/null`) },
    verifiedBy: 'pg_restore --list',
  };
}
