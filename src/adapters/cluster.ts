import { appendFile, chown, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MaintError } from '../base/errors.ts';
import { runProgram } from './programs.ts';

/** How to make a throw-away cluster: a PostgreSQL server of its own that nobody else can reach. */
export interface ClusterRequest {
  /** Where `initdb`, `pg_ctl` and `postgres` are. */
  readonly binDirectory: string;
  /** A new folder is made inside; it must be short, for a socket path has at most 107 characters. */
  readonly parentDirectory: string;
  /** Numeric id of the current user; as root the server runs as an unprivileged user instead. */
  readonly uid: number | undefined;
  /** Lines for postgresql.conf on top of the fast, unsafe defaults. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running throw-away cluster. Disposing stops the server and removes its files. */
export interface Cluster extends AsyncDisposable {
  readonly directory: string;
  /** The socket's directory, which is the host name of a connection. */
  readonly socketDirectory: string;
  readonly port: number;
  readonly superuser: 'postgres';
  /** A database URL for one of its databases, as the superuser. */
  url(database: string): string;
  /** Stops the server at once, as a crash would; the files stay. */
  stop(): Promise<void>;
  /** Starts it again after `stop`. */
  start(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const PORT = 5_432;

/**
 * What a throw-away server may do without: its data need not survive a crash, and it must reach nobody.
 * @see https://www.postgresql.org/docs/current/non-durability.html
 */
const THROWAWAY = {
  listen_addresses: `''`,
  port: String(PORT),
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  max_wal_size: '4GB',
  logging_collector: 'off',
  timezone: 'UTC',
};

/**
 * Creates and starts a throw-away cluster: Unix socket only, nothing synced, trust inside a 0700 folder.
 * @throws MaintError PROGRAM_MISSING or PROGRAM_FAILED when the server programs are not there or do not start
 */
export async function startCluster(request: ClusterRequest): Promise<Cluster> {
  const directory = await mkdtemp(join(request.parentDirectory, 'maint-pg-'));
  const account = request.uid === 0 ? await unprivilegedAccount() : undefined;
  const data = join(directory, 'data');
  const server = (program: string, args: readonly string[]) => runServerProgram(request, account, program, args);
  const start = (): Promise<unknown> =>
    server('pg_ctl', ['start', '-w', '-s', '-D', data, '-l', join(directory, 'server.log'), '-o', `-k ${directory}`]);
  const stop = async (): Promise<void> => {
    await server('pg_ctl', ['stop', '-m', 'immediate', '-s', '-D', data]).catch(ignoreStopped);
  };
  const dispose = async (): Promise<void> => {
    await stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    if (account !== undefined) await chown(directory, account.uid, account.gid);
    await server('initdb', ['-N', '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-D', data]);
    await writeSettings(data, { ...THROWAWAY, ...request.settings });
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    directory,
    socketDirectory: directory,
    port: PORT,
    superuser: 'postgres',
    url: (database) => `postgres://postgres@/${encodeURIComponent(database)}?host=${directory}&port=${PORT}`,
    stop,
    start: async () => void (await start()),
    [Symbol.asyncDispose]: dispose,
  };
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** initdb refuses to run as root, so root lends the cluster to `postgres`, or to `nobody` where there is none. */
async function unprivilegedAccount(): Promise<Account> {
  for (const name of ['postgres', 'nobody']) {
    const uid = await accountNumber('-u', name);
    const gid = await accountNumber('-g', name);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new MaintError('PROGRAM_FAILED', 'neither the user postgres nor nobody exists', {
    hint: 'A PostgreSQL server cannot run as root; add a user postgres.',
  });
}

async function accountNumber(flag: '-u' | '-g', name: string): Promise<number | undefined> {
  const output = await runProgram({ file: 'id', args: [flag, name], timeoutMs: 5_000 }).catch(() => undefined);
  return output === undefined ? undefined : Number(output.stdout);
}

async function runServerProgram(
  { binDirectory }: ClusterRequest,
  account: Account | undefined,
  program: string,
  args: readonly string[],
): Promise<string> {
  const { stdout } = await runProgram({
    file: join(binDirectory, program),
    args,
    cwd: '/',
    timeoutMs: START_TIMEOUT_MS,
    ...(account !== undefined && { account }),
  });
  return stdout;
}

/** Appended as the current user, which may write there: it is the server's own user, or root. */
async function writeSettings(data: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  await appendFile(join(data, 'postgresql.conf'), `${lines.join('\n')}\n`);
}

/** Stopping a server that is already gone is no error. */
function ignoreStopped(): void {}
