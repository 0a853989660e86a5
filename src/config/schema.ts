import { z } from 'zod';
import { connectionSetting } from '../adapters/connection-setting.ts';
import { isHttpUrl } from '../adapters/http.ts';
import { secretSetting } from '../adapters/secret-setting.ts';
import { deadManSettings } from '../alerts/dead-man/settings.ts';
import { ownerSettings } from '../alerts/owner-settings.ts';
import { alertSettings } from '../alerts/settings.ts';
import { backupSettings } from '../backups/settings.ts';
import { durationSetting } from '../base/settings.ts';
import { TIERS, type Task, type Tier } from '../engine/task.ts';
import { CATCH_UP } from '../schedule/standing.ts';
import { requireSoundAlerts } from './alert-names.ts';
import { requireKnownCopies } from './copy-names.ts';
import { taskBlock, type TaskBlock } from './task-block.ts';
import { cronSetting, ownScheduleSetting, timezoneSetting } from './time-settings.ts';

const database = z.strictObject({
  url: connectionSetting
    .optional()
    .describe('The database, as postgres://user:password@host:5432/name; DATABASE_URL where left out'),
  connectTimeout: durationSetting.prefault('10s').describe('How long to wait for the server to accept a connection'),
  statementTimeout: durationSetting.prefault('60s').describe('How long one statement may take'),
  lockTimeout: durationSetting.prefault('5s').describe('How long a statement may wait for a lock'),
  coordination: z
    .enum(['auto', 'off'])
    .default('auto')
    .describe(
      'auto keeps claims on slots and a lease in the schema maint of the database, so that two hosts never run the ' +
        'same slot; off relies on the lock of this host alone',
    ),
});

const schedule = z.strictObject({
  daily: cronSetting.default('17 3 * * *').describe('When the daily tasks are due'),
  weekly: cronSetting.default('47 4 * * 0').describe('When the weekly tasks are due'),
  monthly: cronSetting.default('17 6 1 * *').describe('When the monthly tasks are due'),
  quarterly: cronSetting.default('17 7 1 1,4,7,10 *').describe('When the quarterly tasks are due'),
} satisfies Readonly<Record<Tier, z.ZodType>>);

const catchUp = {
  catchUp: z
    .enum(CATCH_UP)
    .default('latest')
    .describe('Which slots maint tick makes up for, where the machine was down: the newest, none, or all'),
  maxAge: durationSetting.prefault('12h').describe('A slot older than this is given up'),
  grace: durationSetting
    .refine((ms) => ms >= 5 * 60_000, 'must be at least 5 min, for maint tick looks no more often')
    .prefault('30 min')
    .describe('How late a run may begin before its slot counts as missed, and a run that begins after it as late'),
};

const job = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'must be lower-case letters, digits, _ and -, at most 40')
    .describe('What `maint exec --job` calls it'),
  schedule: ownScheduleSetting
    .optional()
    .describe('When somebody starts it; maint does not, but says what was missed, and gives each slot to one host'),
  timeout: durationSetting.optional().describe('After this long it is ended, with all that it has started'),
  heartbeat: secretSetting
    .refine(isHttpUrl, 'must be an http:// or https:// URL')
    .optional()
    .describe('An address to call when it begins and ends, as Healthchecks.io and its kin give it'),
});

const log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('The least important lines that the diary keeps'),
});

/**
 * Builds the one schema of the configuration file from the parts that tasks and alerts contribute.
 * It reads secrets, so parse with `parseAsync`.
 * @param tasks every task there is, in running order
 * @throws Error when a task's settings are no object schema or use a reserved name, which is a mistake in that task
 */
export function configSchema(tasks: readonly Task[]) {
  const blocks: Readonly<Record<string, z.ZodType<TaskBlock>>> = Object.fromEntries(
    tasks.map((task) => [task.name, taskBlock(task)]),
  );
  return z
    .strictObject({
      $schema: z.string().optional().describe('Where an editor finds the JSON schema of this file'),
      name: z
        .string()
        .regex(/^[a-z0-9][a-z0-9_-]*$/, 'must be lower-case letters, digits, _ and -, and start with a letter or digit')
        .optional()
        .describe('The project, as reports and alerts call it; the name of the database where left out'),
      database: database.prefault({}).describe('The database to look after, and how long to wait for it'),
      state: z
        .string()
        .min(1)
        .optional()
        .describe(
          'The directory of journal, locks and diary; /var/lib/maint or the XDG state directory where left out',
        ),
      textfile: z
        .string()
        .refine((path) => path.startsWith('/') && path.endsWith('.prom'), 'write an absolute path that ends with .prom')
        .optional()
        .describe(
          'A file for the textfile collector of node_exporter, written after each run of health, also as part of a tier',
        ),
      timezone: timezoneSetting.default('UTC').describe('The IANA time zone of the schedule and of times in reports'),
      schedule: schedule
        .extend(catchUp)
        .prefault({})
        .describe('When each tier is due, as crontab writes it; tells what was missed, and what is made up for'),
      jobs: z
        .array(job)
        .default([])
        .refine((jobs) => new Set(jobs.map(({ name }) => name)).size === jobs.length, 'two jobs have the same name')
        .refine(
          (jobs) => !jobs.some(({ name }) => [...TIERS, 'tick', ...tasks.map((task) => task.name)].includes(name)),
          'a job has the name of a tier or a task',
        )
        .describe('Foreign commands that run under `maint exec`'),
      programs: z
        .strictObject({
          directories: z
            .array(z.string().min(1))
            .default([])
            .describe('Directories to search for programs before the PATH, such as that of pg_dump'),
        })
        .prefault({})
        .describe('Where the client programs of PostgreSQL lie'),
      backups: backupSettings.prefault({}).describe('What every task that writes or reads backups shares'),
      tasks: z.strictObject(blocks).prefault({}).describe('One block for each task'),
      alerts: alertSettings.prefault({}).describe('Who hears of problems, and how'),
      owners: ownerSettings.default({}).describe('Who looks after what, by a short name'),
      heartbeat: z
        .strictObject({
          url: secretSetting
            .refine(isHttpUrl, 'must be an http:// or https:// URL')
            .describe('An address to call after each scheduled run, as Healthchecks.io and its kin give it'),
        })
        .optional()
        .describe("A dead man's switch: someone else raises the alarm when maint itself no longer runs"),
      deadMan: deadManSettings
        .default([])
        .describe("More dead man's switches, of several kinds, each for the runs it names"),
      log: log.prefault({}).describe('The diary'),
    })
    .superRefine(requireKnownCopies)
    .superRefine(requireSoundAlerts);
}

/** What a right configuration file says, defaults filled in. */
export type Settings = z.output<ReturnType<typeof configSchema>>;
