import { describeConnection } from '../../adapters/connection.ts';
import { MaintError } from '../../base/errors.ts';
import type { World } from '../../base/world.ts';
import type { Config } from '../../config/config.ts';
import { describeProblem, type ConfigProblem } from '../../config/problem.ts';
import { salvageConfig } from '../../config/read.ts';
import { tasks } from '../../tasks/index.ts';
import type { CommonFlags } from '../invocation.ts';
import { verdictsOf, type Check } from './check.ts';

/** What is known of the configuration. */
interface Examined {
  readonly checks: readonly Check[];
  /** What is right in it, defaults in place of the rest; undefined where nothing is. */
  readonly config: Config | undefined;
}

const { ok, fail } = verdictsOf('configuration');

/** Names every mistake of the configuration, and hands on what is right, so that the rest can still be looked at. */
export async function examineConfiguration(world: World, common: CommonFlags): Promise<Examined> {
  const { env, cwd } = world;
  try {
    const { file, problems, config } = await salvageConfig({ env, cwd, configPath: common.config, tasks });
    const found = problems.length > 0 ? problems.map(mistake) : [ok('file', file ?? 'none: everything is a default')];
    return { checks: [...found, ...databaseName(config, problems)], config };
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    const { config } = await salvageConfig({ env: { ...env, MAINT_CONFIG: undefined }, ...NOWHERE, tasks });
    return { checks: [fail('file', `${error.message} (${error.code})`, [error.hint])], config };
  }
}

/** Where no configuration file can be: leads to the defaults. */
const NOWHERE = { cwd: '/dev/null', systemDirectory: '/dev/null' };

function mistake(problem: ConfigProblem): Check {
  const { origin, line, path, suggestion } = problem;
  const place = line === null ? origin : `${origin}, line ${line}`;
  const advice = suggestion === null ? `Correct ${path || 'it'}` : `Write ${suggestion}`;
  return fail(path || 'file', describeProblem(problem), [`${advice} in ${place}; then run maint config check.`]);
}

function databaseName(config: Config | undefined, problems: readonly ConfigProblem[]): readonly Check[] {
  if (config === undefined || problems.some(({ path }) => path.startsWith('database'))) return [];
  const { connection } = config.database;
  if (connection !== undefined)
    return [ok('database', `${describeConnection(connection)} as ${connection.user}, project ${config.project}`)];
  return [
    fail('database', 'no database is named: DATABASE_URL is not set and no file has database.url', [
      'Set DATABASE_URL=postgres://user:password@host:5432/name, or write a file with maint init.',
    ]),
  ];
}
