import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { until } from './processes.ts';

const PORT = 6432;

/** Where PgBouncer lies; undefined where it is not installed. Debian keeps it out of the PATH of a user. */
export const PGBOUNCER = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  .map((directory) => join(directory, 'pgbouncer'))
  .find((file) => spawnSync(file, ['--version']).status === 0);

/** A PgBouncer that hands the connections of a server out for one transaction each. */
interface Pooler extends AsyncDisposable {
  url(database: string, user?: string): string;
}

/** Starts one before the server whose socket lies there, with so many connections for each database and user. */
export async function startPooler(socketDirectory: string, poolSize: number): Promise<Pooler> {
  const directory = mkdtempSync(join(tmpdir(), 'maint-pb-'));
  const file = join(directory, 'pgbouncer.ini');
  writeFileSync(join(directory, 'users'), '"postgres" ""\n');
  writeFileSync(file, configuration(socketDirectory, directory, poolSize));
  // It refuses to run as root; whoever owns the socket of the server may also own this one.
  const { uid, gid } = statSync(join(socketDirectory, '.s.PGSQL.5432'));
  chownSync(directory, uid, gid);
  const account = process.getuid?.() === 0 ? { uid, gid } : {};
  const child = spawn(PGBOUNCER ?? 'pgbouncer', ['-q', file], { ...account, cwd: '/', stdio: 'ignore' });
  await until('PgBouncer listens', async () => (await answers(join(directory, `.s.PGSQL.${PORT}`))) || undefined);
  return {
    url: (database, user = 'postgres') => `postgres://${user}@/${database}?host=${directory}&port=${PORT}`,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function configuration(socketDirectory: string, directory: string, poolSize: number): string {
  return `[databases]
* = host=${socketDirectory} port=5432
[pgbouncer]
pool_mode = transaction
default_pool_size = ${poolSize}
listen_port = ${PORT}
unix_socket_dir = ${directory}
auth_type = trust
auth_file = ${join(directory, 'users')}
logfile = ${join(directory, 'log')}
`;
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
