import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { describeConnection } from '../../adapters/connection.ts';
import { isFile } from '../../adapters/directories.ts';
import { openSession } from '../../adapters/postgres.ts';
import { sql } from '../../adapters/sql.ts';
import { MaintError } from '../../base/errors.ts';
import { formatBytes } from '../../base/units.ts';
import type { World } from '../../base/world.ts';
import type { Config } from '../../config/config.ts';
import { salvageConfig, type ConfigCheck } from '../../config/read.ts';
import type { Tier } from '../../engine/task.ts';
import { defaultDisks } from '../../health/default-disks.ts';
import { tasks } from '../../tasks/index.ts';
import type { CommonFlags } from '../invocation.ts';
import { backupDirectory } from '../state-directory.ts';

/** What a first configuration is made from. */
export interface Surroundings {
  readonly project: string;
  /** `app on db1:5432, PostgreSQL 15.4, 412 MB`; undefined where no database was named. */
  readonly database: string | undefined;
  readonly backupDirectory: string;
  /** Absolute paths, one for each disk. */
  readonly disks: readonly string[];
  readonly schedule: Readonly<Record<Tier, string>>;
  /** What could not be looked at, and why. */
  readonly unseen: readonly string[];
}

/** Looks at the database that DATABASE_URL or an earlier configuration names, and at the machine. Changes nothing. */
export async function lookAround(world: World, common: CommonFlags): Promise<Surroundings> {
  const { config, problems } = await earlier(world, common);
  const project = config?.project ?? 'unnamed';
  const wrong = problems.filter(({ path }) => path.startsWith('database')).map(({ message }) => message);
  const seen = await lookAtDatabase(config, wrong[0] ?? 'DATABASE_URL is not set');
  return { project, backupDirectory: backupDirectory(world, undefined), schedule: spreadSchedule(project), ...seen };
}

/** MAINT_CONFIG may already name the file that is about to be written. */
async function earlier({ env, cwd }: World, { config: configPath }: CommonFlags): Promise<ConfigCheck> {
  const named = env['MAINT_CONFIG'];
  const isThere = named !== undefined && isFile(resolve(cwd, named));
  return salvageConfig({ env: isThere ? env : { ...env, MAINT_CONFIG: undefined }, cwd, configPath, tasks });
}

type Seen = Pick<Surroundings, 'database' | 'disks' | 'unseen'>;

/** @param absence why there is no connection, where there is none */
async function lookAtDatabase(config: Config | undefined, absence: string): Promise<Seen> {
  const { connection, limits } = config?.database ?? {};
  if (connection === undefined || limits === undefined)
    return { database: undefined, disks: ['/'], unseen: [`the database: ${absence}`] };
  const name = describeConnection(connection);
  await using session = openSession({ connection, mode: 'read-only', limits, applicationName: 'maint/init' });
  try {
    const { major, versionNumber } = await session.server();
    const [size] = await session.rows(SIZE);
    const facts = [name, `PostgreSQL ${major}.${versionNumber % 10_000}`, formatBytes(size?.bytes ?? 0)];
    return { database: facts.join(', '), disks: await defaultDisks(session), unseen: [] };
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return { database: name, disks: ['/'], unseen: [`the database: ${error.message} (${error.code})`] };
  }
}

/** Many projects on one server must not all begin in the same minute, and each must keep its own. */
function spreadSchedule(project: string): Readonly<Record<Tier, string>> {
  const hash = createHash('sha256').update(project).digest();
  const minute = (index: number): number => hash.readUInt16BE(2 * index) % 60;
  return {
    daily: `${minute(0)} 3 * * *`,
    weekly: `${minute(1)} 4 * * 0`,
    monthly: `${minute(2)} 6 1 * *`,
    quarterly: `${minute(3)} 7 1 1,4,7,10 *`,
  };
}

const SIZE = sql<{ bytes: number }>`SELECT pg_database_size(current_database())::float8 AS bytes`;
