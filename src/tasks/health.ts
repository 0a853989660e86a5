import { z } from 'zod';
import { skip } from '../engine/outcome.ts';
import { defineTask, type Step } from '../engine/task.ts';
import { checkConnections, connectionsSettings } from '../health/check-connections.ts';
import { checkDatabase, databaseSettings } from '../health/check-database.ts';
import { checkDisk, diskPathsSetting, diskSettings } from '../health/check-disk.ts';
import { checkHttp, endpointName, endpointsSetting } from '../health/check-http.ts';
import { defaultDisks } from '../health/default-disks.ts';

const settings = z.strictObject({
  database: databaseSettings.prefault({}).describe('How fast the database must answer'),
  connections: connectionsSettings.prefault({}).describe('How many connections may be in use'),
  disks: diskPathsSetting
    .optional()
    .describe('Paths whose disks to watch; the root filesystem and the disks of a local database where left out'),
  disk: diskSettings.prefault({}).describe('How full these disks may be'),
  http: endpointsSetting.prefault([]).describe('Addresses of the application that must answer'),
});
type HealthSettings = z.infer<typeof settings>;

export const health = defineTask({
  name: 'health',
  summary: 'Check that database and application answer and have room to spare',
  tier: 'daily',
  effect: 'reads',
  onFailure: 'continue',
  deadlineMs: 60_000,
  settings,
  examples: [
    { command: 'maint health', summary: 'look at everything once; exit code 1 when something is broken' },
    { command: 'maint health --json', summary: 'the same as one JSON document' },
  ],

  async plan({ settings: chosen, database }) {
    const disks = chosen.disks ?? (await defaultDisks(database));
    return [...databaseSteps(chosen), ...diskSteps([...new Set(disks)], chosen), ...httpSteps(chosen)];
  },
});

/** The first step finds out whether the database answers; the next asks no server that does not: one problem, one alert. */
function databaseSteps(chosen: HealthSettings): readonly Step[] {
  let isAnswering = false;
  return [
    {
      title: 'database answers',
      async perform({ database }) {
        const outcome = await checkDatabase(database, chosen.database);
        isAnswering = outcome.status !== 'fail';
        return outcome;
      },
    },
    {
      title: 'connections',
      async perform({ database }) {
        return isAnswering
          ? checkConnections(database, chosen.connections)
          : skip('the database does not answer', { facts: { inhibitedBy: 'database answers' } });
      },
    },
  ];
}

function diskSteps(paths: readonly string[], { disk }: HealthSettings): readonly Step[] {
  return paths.map((path) => ({
    title: `disk ${path}`,
    perform: (context) => checkDisk(path, disk, context),
  }));
}

function httpSteps({ http }: HealthSettings): readonly Step[] {
  return http.map((endpoint) => ({
    title: `http ${endpointName(endpoint)}`,
    perform: ({ signal }) => checkHttp(endpoint, signal),
  }));
}
