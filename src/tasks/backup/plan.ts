import type { ClientProgram } from '../../adapters/client-programs.ts';
import { sql } from '../../adapters/sql.ts';
import { DAY_MS, plural } from '../../base/units.ts';
import { usualBackups } from '../../backups/anomaly.ts';
import { inNewPlace, publishedOutcome, refusedOutcome } from '../../backups/backup-outcome.ts';
import { companionIntent } from '../../backups/companions.ts';
import { copyStep } from '../../backups/copy-step.ts';
import { expireStep } from '../../backups/expire-step.ts';
import { dumpFile, FILES, labelFolder } from '../../backups/layout.ts';
import type { Manifest } from '../../backups/manifest.ts';
import { inspectRepository, listBackups, localStore, type BackupEntry } from '../../backups/repository.ts';
import { readReceipts } from '../../backups/receipts.ts';
import { requireRights } from '../../backups/rights.ts';
import { requireRoom } from '../../backups/room.ts';
import { sealedSuffix } from '../../backups/sealing.ts';
import { findLeftovers } from '../../backups/staging.ts';
import { acknowledgedIds, standingsOf } from '../../backups/standing.ts';
import { takeBackup } from '../../backups/take-backup.ts';
import { uncoveredDatabases } from '../../backups/uncovered.ts';
import type { PlanContext, Step } from '../../engine/task.ts';
import type { BackupSettings } from '../backup.ts';

/** What `backup` would do, as steps. Loaded only where it is asked for: it brings its whole trade. */
export async function planBackup(context: PlanContext<BackupSettings>): Promise<readonly Step[]> {
  const directory = context.settings.directory ?? context.backups.directory;
  const label = context.project;
  const { major } = await context.database.server();
  const [name] = await context.database.rows(databaseName);
  const pgDump = await context.clients.find('pg_dump', major);
  const state = await inspectRepository(directory);
  const repository = { directory, label, state, isMoved: state !== 'ours' && hasEarlier(context) };
  await requireRights(context.database);
  const store = localStore(directory);
  const backups = await listBackups(store, label, context.signal);
  await requireRoom(directory, backups[0]?.bytes ?? 0);
  const uncovered = await uncoveredDatabases(context.database, { store, label }, context.signal);
  const usual = await usualOf({ directory, label, backups, now: context.now() });
  const { dumping, isGood } = told(
    await dumpStep(context, { ...repository, pgDump, database: name?.database ?? '', uncovered, usual }),
  );
  const { copies } = context.backups;
  return [
    dumping,
    ...copies.map((place) => copyStep({ directory, label, place, mayRemove: isGood })),
    await expireStep(context, { directory, label, backups, keep: context.settings.keep, mayRemove: isGood }),
  ];
}

/**
 * The later steps go on where the new backup failed or is suspicious, for what is there already still belongs into
 * other places; but nothing is removed in such a run.
 */
function told(step: Step): { readonly dumping: Step; readonly isGood: () => boolean } {
  let isGood = false;
  return {
    isGood: () => isGood,
    dumping: {
      ...step,
      isIndependent: true,
      async perform(context) {
        const outcome = await step.perform(context);
        isGood = outcome.status !== 'fail';
        return outcome;
      },
    },
  };
}

/** Did the journal see a backup of this project in the last year? */
function hasEarlier({ history, project, ...context }: PlanContext<BackupSettings>): boolean {
  return history.samples('backup.bytes', project, new Date(context.now().getTime() - 365 * DAY_MS)).length > 0;
}

interface Target {
  readonly directory: string;
  readonly label: string;
  readonly state: 'missing' | 'empty' | 'ours';
  readonly pgDump: ClientProgram;
  readonly database: string;
  /** Earlier backups were taken, but not into this directory. */
  readonly isMoved: boolean;
  /** Other databases of the server that no backup here is of. */
  readonly uncovered: readonly string[];
  /** The backups that say what is usual, newest first. */
  readonly usual: readonly Manifest[];
}

async function dumpStep({ settings, clients, backups }: PlanContext<BackupSettings>, target: Target): Promise<Step> {
  const { directory, label, pgDump } = target;
  const { recipients } = backups;
  const zstd = await clients.locate('zstd');
  return {
    title: `dump ${target.database}`,
    intent: [
      ...(target.state === 'ours' ? [] : [`make ${directory} a repository of backups`]),
      ...(await findLeftovers(directory, label)).map((path) => `remove ${path}, left by a run that died`),
      ...uncoveredIntent(target.uncovered),
      `dump ${target.database} with ${pgDump.version} and zstd level ${settings.compressionLevel}`,
      ...encryptionIntent(recipients),
      ...companionIntent({ globals: settings.globals, fileSets: backups.fileSets }),
      `write ${labelFolder(directory, label)}/<time>/ with ${[dumpFile(sealedSuffix(recipients)), ...Object.values(FILES)].join(', ')}`,
    ],
    async perform(context) {
      const { database, clients, signal, log } = context;
      const request = {
        ...target,
        zstd,
        database,
        clients,
        recipients,
        globals: settings.globals,
        fileSets: backups.fileSets,
        level: settings.compressionLevel,
        yield: settings.yield,
        anomalies: settings.anomalies,
        log,
        now: () => context.now(),
        onBytes: (bytes: number) => context.progress({ done: bytes, ...estimate(target, bytes), unit: 'bytes' }),
      };
      const result = await takeBackup(request, signal);
      if (result.kind !== 'published') return refusedOutcome(result);
      for (const path of result.swept) log.warn({ path }, 'removed what a dead run left behind');
      const outcome = publishedOutcome(result, target.uncovered);
      return target.isMoved ? inNewPlace(outcome, directory) : outcome;
    },
  };
}

function uncoveredIntent(databases: readonly string[]): readonly string[] {
  if (databases.length === 0) return [];
  return [`leave out ${plural(databases.length, 'database')} that no backup here is of: ${databases.join(', ')}`];
}

/** Public keys tell nobody anything, and a person must be able to see that they are the right ones. */
function encryptionIntent(recipients: readonly string[]): readonly string[] {
  if (recipients.length === 0) return [];
  const alone = recipients.length === 1 ? '; when its key is lost, so is the backup' : '';
  return [`encrypt to ${plural(recipients.length, 'recipient')} of age: ${recipients.join(', ')}${alone}`];
}

/** The backup before tells about how large this one will be, until it is larger. */
function estimate({ usual: [newest] }: Target, bytes: number): { readonly total?: number } {
  const total = (newest?.artifacts ?? []).reduce((sum, artifact) => sum + artifact.bytes, 0);
  return bytes <= total ? { total } : {};
}

interface Past {
  readonly directory: string;
  readonly label: string;
  readonly backups: readonly BackupEntry[];
  readonly now: Date;
}

/** The good backups that say what is usual. */
async function usualOf({ directory, label, backups, now }: Past): Promise<readonly Manifest[]> {
  const { receipts } = await readReceipts(directory, label);
  const good = standingsOf({ entries: backups, receipts, now }).filter(({ isVerified }) => isVerified);
  const manifests = good.flatMap(({ entry: { manifest } }) => manifest ?? []);
  return usualBackups(manifests, acknowledgedIds({ receipts }));
}

const databaseName = sql<{ database: string }>`SELECT current_database() AS database`;
