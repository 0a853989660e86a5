import { clientPrograms, type ClientProgramName } from '../../adapters/client-programs.ts';
import { whichProgram } from '../../adapters/programs.ts';
import { MaintError } from '../../base/errors.ts';
import type { World } from '../../base/world.ts';
import type { Config } from '../../config/config.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, warn, fail } = verdictsOf('programs');

const NEEDED: readonly ClientProgramName[] = ['pg_dump', 'pg_restore'];

/**
 * Are the programs there that maint calls?
 * @param serverMajor undefined where the server does not answer
 */
export async function checkPrograms(
  { env }: World,
  { programDirectories }: Config,
  serverMajor: number | undefined,
): Promise<readonly Check[]> {
  const searchPath = env['PATH'];
  const clients = clientPrograms(programDirectories, searchPath, {});
  const checkClient = async (name: ClientProgramName): Promise<Check> => {
    try {
      const { path, version } = await clients.find(name, serverMajor);
      return ok(name, `${path}, ${version}`);
    } catch (error) {
      if (!(error instanceof MaintError)) throw error;
      return fail(name, `${error.message} (${error.code})`, [error.hint]);
    }
  };
  return Promise.all([...NEEDED.map(checkClient), checkZstd(searchPath), checkFlock(searchPath)]);
}

async function checkZstd(searchPath: string | undefined): Promise<Check> {
  const path = await whichProgram('zstd', searchPath);
  if (path !== undefined) return ok('zstd', path);
  return warn('zstd', 'not found: backups work, but are compressed more slowly', ['Install the package zstd.']);
}

async function checkFlock(searchPath: string | undefined): Promise<Check> {
  const path = await whichProgram('flock', searchPath);
  if (path !== undefined) return ok('flock', path);
  return warn('flock', 'not found: two runs on this host are not kept apart', ['Install the package util-linux.']);
}
