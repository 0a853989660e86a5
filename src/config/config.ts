import { resolve } from 'node:path';
import type { Connection } from '../adapters/connection.ts';
import type { SessionLimits } from '../adapters/postgres.ts';
import type { OwnerSettings } from '../alerts/owner-settings.ts';
import type { DeadManSwitch } from '../alerts/dead-man/settings.ts';
import type { AlertSettings } from '../alerts/settings.ts';
import type { BackupRules } from '../backups/rules.ts';
import { backupPlaces } from '../backups/settings.ts';
import { MaintError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Secret } from '../base/secret.ts';
import type { BackupPlaces } from '../engine/backup-places.ts';
import type { HttpsPlace, Task, Tier } from '../engine/task.ts';
import type { CatchUpPolicy } from '../schedule/standing.ts';
import { httpsPlaces } from './https-places.ts';
import type { Settings } from './schema.ts';
import { isMapping } from './tree.ts';

/** Everything a run needs to know beforehand. Plain data, frozen to its depths, secrets wrapped. */
export interface Config {
  /** Absolute path of the file it was read from; null where there is none. */
  readonly file: string | null;
  /** What was assumed because nobody said otherwise, in plain words. */
  readonly assumptions: readonly string[];
  /** Which project this is, for labels. */
  readonly project: string;
  readonly database: DatabaseConfig;
  /** Absolute path; undefined where the configuration leaves it to the flag, the environment or the default. */
  readonly stateDirectory: string | undefined;
  /** Its directory is undefined where the configuration leaves it to the default. */
  readonly backups: Omit<BackupPlaces, 'directory'> & { readonly directory: string | undefined };
  /** What `maint backups status` holds them to. */
  readonly backupRules: BackupRules;
  /** IANA name. */
  readonly timezone: string;
  /** One cron expression of five fields for each tier. */
  readonly schedule: Readonly<Record<Tier, string>>;
  /** What is made up for where nothing ran. */
  readonly catchUp: CatchUpPolicy;
  /** How late a run may begin before its slot counts as missed. */
  readonly graceMs: number;
  /** Foreign commands that run under `maint exec`. Durations in milliseconds. */
  readonly jobs: Settings['jobs'];
  /** Absolute paths, searched before the PATH. */
  readonly programDirectories: readonly string[];
  /** Every task, in running order, also those that are switched off. */
  readonly tasks: readonly ConfiguredTask[];
  readonly alerts: AlertSettings;
  /** Who looks after what, by name. */
  readonly owners: OwnerSettings;
  /** The dead man's switch to call after each scheduled run. */
  readonly heartbeatUrl: Secret | undefined;
  /** More of them, each for the runs it names. */
  readonly deadMan: readonly DeadManSwitch[];
  /** For node_exporter, absolute; undefined where it is not wanted. */
  readonly textfile: string | undefined;
  /** Every host that the configuration names by https, whoever it is for. */
  readonly httpsPlaces: readonly HttpsPlace[];
  readonly logLevel: LogLevel;
  /** The settings with every default filled in and every secret hidden, for people to read. */
  readonly effective: Json;
}

/** The database to look after. */
interface DatabaseConfig {
  /** Undefined where no database was named; see `requireDatabase`. */
  readonly connection: Connection | undefined;
  readonly limits: SessionLimits;
  /** May claims on slots and a lease be kept in the database itself? */
  readonly coordination: Settings['database']['coordination'];
}

/** A task, and what the configuration says about it. */
export interface ConfiguredTask {
  readonly task: Task;
  /** Whether its tier runs it. */
  readonly enabled: boolean;
  readonly tier: Tier;
  /** How long one step may take, in milliseconds. */
  readonly deadlineMs: number;
  /** When it runs instead of with its tier: five fields, or a time such as `1 day`; undefined where its tier runs it. */
  readonly schedule: string | undefined;
  /** The output of the task's own settings schema. */
  readonly settings: unknown;
}

/** The tasks that a tier runs, in running order. */
export function tasksOfTier({ tasks }: Pick<Config, 'tasks'>, tier: Tier): readonly ConfiguredTask[] {
  return tasks.filter((each) => each.enabled && each.tier === tier && each.schedule === undefined);
}

/** The least important lines that the diary keeps. */
export type LogLevel = Settings['log']['level'];

/** What a configuration is made of, once everything was found to be right. */
interface ConfigParts {
  readonly file: string | null;
  readonly cwd: string;
  readonly assumptions: readonly string[];
  readonly tasks: readonly Task[];
  readonly settings: Settings;
  readonly effective: Json;
}

/** Puts the parts together and freezes them. */
export function assembleConfig(parts: ConfigParts): Config {
  const { file, cwd, assumptions, settings, effective } = parts;
  const { database, programs, alerts, owners, backups } = settings;
  const { daily, weekly, monthly, quarterly, catchUp, maxAge: maxAgeMs, grace: graceMs } = settings.schedule;
  return frozen({
    file,
    assumptions,
    project: settings.name ?? projectName(database.url?.database),
    database: {
      connection: database.url,
      limits: {
        connectTimeoutMs: database.connectTimeout,
        statementTimeoutMs: database.statementTimeout,
        lockTimeoutMs: database.lockTimeout,
      },
      coordination: database.coordination,
    },
    stateDirectory: settings.state === undefined ? undefined : resolve(cwd, settings.state),
    backups: backupPlaces(backups, cwd),
    backupRules: backups.rules,
    timezone: settings.timezone,
    schedule: { daily, weekly, monthly, quarterly },
    catchUp: { catchUp, maxAgeMs },
    graceMs,
    jobs: settings.jobs,
    programDirectories: programs.directories.map((directory) => resolve(cwd, directory)),
    tasks: parts.tasks.map((task) => configured(task, settings)),
    alerts,
    owners,
    heartbeatUrl: settings.heartbeat?.url,
    deadMan: settings.deadMan,
    textfile: settings.textfile,
    httpsPlaces: httpsPlaces(settings),
    logLevel: settings.log.level,
    effective,
  });
}

/**
 * The database of a command that cannot do without one.
 * @throws MaintError CONFIG_NOT_FOUND when none was named anywhere
 */
export function requireDatabase({ file, database }: Config): Connection {
  if (database.connection !== undefined) return database.connection;
  const looked = file === null ? 'there is no configuration file' : `${file} has no database.url`;
  throw new MaintError('CONFIG_NOT_FOUND', `no database is named: DATABASE_URL is not set and ${looked}`);
}

function configured(task: Task, { tasks }: Settings): ConfiguredTask {
  const block = tasks[task.name];
  if (block === undefined) throw new Error(`the schema gave no block for the task ${task.name}`);
  const { enabled, tier, deadlineMs, schedule, settings } = block;
  // Frozen here, so that `frozen` stops at it: the task is code and not ours to freeze.
  return Object.freeze({ task, enabled, tier, deadlineMs, schedule, settings: frozen(settings) });
}

/** A label that is safe in file names and metrics, made from the name of a database. */
function projectName(databaseName = ''): string {
  const label = databaseName
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[_-]+|-+$/g, '');
  return label === '' ? 'unnamed' : label;
}

/** Freezes mappings and lists down to their leaves; stops at what is frozen already, and leaves instances alone. */
function frozen<T>(value: T): T {
  if (Object.isFrozen(value) || !(Array.isArray(value) || isMapping(value))) return value;
  Object.freeze(value);
  for (const item of Object.values(value)) frozen(item);
  return value;
}
