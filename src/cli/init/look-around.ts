import { createHash } from 'node:crypto';
import { describeConnection } from '../../adapters/connection.ts';
import { openSession } from '../../adapters/postgres.ts';
import { sql } from '../../adapters/sql.ts';
import { MaintError } from '../../base/errors.ts';
import { formatBytes } from '../../base/units.ts';
import type { World } from '../../base/world.ts';
import type { Config } from '../../config/config.ts';
import { salvageConfig } from '../../config/read.ts';
import type { Tier } from '../../engine/task.ts';
import { defaultDisks } from '../../health/default-disks.ts';
import { tasks } from '../../tasks/index.ts';
import type { CommonFlags } from '../invocation.ts';
import { dataDirectory } from '../state-directory.ts';

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
  const { env, cwd } = world;
  const { config, problems } = await salvageConfig({ env, cwd, configPath: common.config, tasks });
  const project = config?.project ?? 'unnamed';
  const seen = config?.database.connection === undefined ? NOTHING_NAMED : await lookAtDatabase(config);
  return {
    project,
    database: seen.database,
    backupDirectory: dataDirectory(world),
    disks: seen.disks,
    schedule: spreadSchedule(project),
    unseen: [...problems.filter(({ source }) => source === 'environment').map(({ message }) => message), ...seen.unseen],
  };
}

type Seen = Pick<Surroundings, 'database' | 'disks' | 'unseen'>;

const NOTHING_NAMED: Seen = {
  database: undefined,
  disks: ['/'],
  unseen: ['the database: DATABASE_URL is not set'],
};

async function lookAtDatabase({ database: { connection, limits } }: Config): Promise<Seen> {
  if (connection === undefined) return NOTHING_NAMED;
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
