import { z } from 'zod';
import type { ClientProgram } from '../adapters/client-programs.ts';
import { diskUsage } from '../adapters/disk.ts';
import { nearestFolder } from '../adapters/files.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../base/units.ts';
import { planExpiry, type Keep } from '../backups/expiry.ts';
import { backupFolder, FILES, labelFolder } from '../backups/layout.ts';
import type { Manifest } from '../backups/manifest.ts';
import { removeBackup } from '../backups/remove-backup.ts';
import { inspectRepository, listBackups, type BackupEntry } from '../backups/repository.ts';
import { findLeftovers } from '../backups/staging.ts';
import { takeBackup, type BackupResult } from '../backups/take-backup.ts';
import { describeDifferences } from '../backups/verify.ts';
import { done, fail, skip, warn, type Outcome } from '../engine/outcome.ts';
import { defineTask, type PlanContext, type Step } from '../engine/task.ts';

const places = (what: string) => z.int().nonnegative().default(0).describe(`How many ${what} to keep`);

const keepSettings = z
  .strictObject({
    last: places('of the newest backups'),
    daily: places('days, with the newest backup of each,'),
    weekly: places('weeks, with the newest backup of each,'),
    monthly: places('months, with the newest backup of each,'),
    yearly: places('years, with the newest backup of each,'),
    minVerified: z.int().positive().default(3).describe('So many of the newest verified backups always stay'),
  })
  .refine(({ last, daily, weekly, monthly, yearly }) => last + daily + weekly + monthly + yearly > 0, {
    message: 'names nothing to keep: give at least one of last, daily, weekly, monthly and yearly',
  });

const settings = z.strictObject({
  directory: z.string().min(1).optional().describe('Where this task keeps backups; `backups.directory` where left out'),
  compressionLevel: z.int().min(1).max(19).default(1).describe('Level of zstd: 1 is fastest, 19 smallest'),
  keep: keepSettings
    .optional()
    .describe('Which backups stay when newer ones have come; without it nothing is ever removed'),
});

type Settings = z.infer<typeof settings>;

/** Room that must be free before a dump begins, as a share of the newest backup. */
const SPACE_SHARE = 1.3;

/** Dumps the database into a repository, proves the dump before it becomes visible, and lets old backups go. */
export const backup = defineTask<Settings>({
  name: 'backup',
  summary: 'Dump the database, read the dump back, and let old backups go',
  tier: 'daily',
  effect: 'destroys',
  onFailure: 'stop',
  deadlineMs: 6 * 60 * 60_000,
  settings,
  flags: [{ flag: '--directory <path>', summary: 'keep the backups there', setting: 'directory' }],
  examples: [
    { command: 'maint backup', summary: 'take a verified backup now' },
    { command: 'maint backup --dry-run', summary: 'say what would be written and removed' },
  ],

  async plan(context) {
    const directory = context.settings.directory ?? context.backupDirectory;
    const label = context.project;
    const { major } = await context.database.server();
    const [name] = await context.database.rows(databaseName);
    const pgDump = await context.clients.find('pg_dump', major);
    const repository = { directory, label, state: await inspectRepository(directory) };
    const backups = await listBackups(directory, label);
    await requireSpace(directory, backups);
    return [
      await dumpStep(context, { ...repository, pgDump, database: name?.database ?? '' }),
      expireStep(context, { directory, label, backups }),
    ];
  },
});

interface Target {
  readonly directory: string;
  readonly label: string;
  readonly state: 'missing' | 'empty' | 'ours';
  readonly pgDump: ClientProgram;
  readonly database: string;
}

async function dumpStep({ settings, clients }: PlanContext<Settings>, target: Target): Promise<Step> {
  const { directory, label, pgDump } = target;
  const zstd = await clients.locate('zstd');
  return {
    title: `dump ${target.database}`,
    intent: [
      ...(target.state === 'ours' ? [] : [`make ${directory} a repository of backups`]),
      ...(await findLeftovers(directory, label)).map((path) => `remove ${path}, left by a run that died`),
      `dump ${target.database} with ${pgDump.version} and zstd level ${settings.compressionLevel}`,
      `write ${labelFolder(directory, label)}/<time>/ with ${Object.values(FILES).join(', ')}`,
    ],
    async perform(context) {
      const { database, clients, signal, log } = context;
      const request = {
        ...target,
        zstd,
        database,
        clients,
        level: settings.compressionLevel,
        now: () => context.now(),
        onBytes: (bytes: number) => context.progress({ done: bytes, unit: 'bytes' }),
      };
      const result = await takeBackup(request, signal);
      if (result.kind !== 'published') return refused(result);
      for (const path of result.swept) log.warn({ path }, 'removed what a dead run left behind');
      return published(result.manifest, result.folder);
    },
  };
}

function published(manifest: Manifest, folder: string): Outcome {
  const tables = Object.values(manifest.tables);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const bytes = manifest.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  const seconds = manifest.durations['dump'] ?? 0;
  const unknown = manifest.warnings.filter(isUnknownWarning);
  const size = `${formatBytes(bytes)}, ${plural(tables.length, 'table')}, ${plural(rows, 'row')}`;
  const slower = manifest.tools.zstd === 'zstd' ? '' : '; the zstd program is missing, so it took longer';
  const extras = {
    facts: { id: manifest.id, folder, bytes, tables: tables.length, rows, seconds, ...manifest.tools },
    samples: [
      { name: 'backup.bytes', subject: manifest.label, value: bytes, unit: 'bytes' as const },
      { name: 'backup.seconds', subject: manifest.label, value: seconds, unit: 'seconds' as const },
    ],
  };
  const took = formatDuration(seconds * 1_000);
  if (unknown.length === 0) return done(`${size}, read back and counted in ${took}${slower}`, extras);
  return warn(
    `${size}, read back and counted, but pg_dump warned: ${unknown[0] ?? ''}`,
    [`Read the warnings in ${folder}/${FILES.manifest} and decide whether the backup holds what you need.`],
    { ...extras, detail: 'backup.warnings' },
  );
}

/** The dump is not what the database held: it was removed, and the older backups are as they were. */
function refused(result: Exclude<BackupResult, { kind: 'published' }>): Outcome {
  if (result.kind === 'unreadable')
    return fail(
      `the dump could not be read back and was removed: ${result.message}`,
      ['Run `maint backup` again; if it happens twice, check disk and memory of this host.'],
      { detail: 'verify.undecodable' },
    );
  return fail(
    `the dump does not hold the rows of the database and was removed: ${describeDifferences(result.differences)}`,
    ['Run `maint backup` again: a TRUNCATE during the dump can cause this. If it happens twice, check the server log.'],
    {
      detail: 'verify.rows_mismatch',
      facts: {
        differences: result.differences.map((row) => ({
          table: row.table,
          expected: row.expected ?? null,
          found: row.found ?? null,
        })),
      },
    },
  );
}

/** Circular foreign keys matter to dumps of data alone, which these are not. The lines behind a warning explain it. */
function isUnknownWarning(line: string): boolean {
  return /warning:|error:/i.test(line) && !/circular foreign-key constraints/.test(line);
}

interface Holdings {
  readonly directory: string;
  readonly label: string;
  readonly backups: readonly BackupEntry[];
}

function expireStep(planning: PlanContext<Settings>, { directory, label, backups }: Holdings): Step {
  const { timezone, settings } = planning;
  const { keep } = settings;
  const planned = planning.now();
  const upcoming = { id: 'the new one', startedAt: planned, isVerified: true };
  return {
    title: 'expire backups',
    intent:
      keep === undefined
        ? ['remove nothing: no `keep` is set']
        : toDelete([...backups, upcoming], keep, timezone, planned).map(
            ({ id, reason }) => `remove ${backupFolder(directory, label, id)}: ${reason}`,
          ),
    async perform(context) {
      const { signal, log } = context;
      const present = await listBackups(directory, label);
      const bytes = present.reduce((sum, entry) => sum + entry.bytes, 0);
      const held = `${plural(present.length, 'backup')}, ${formatBytes(bytes)}`;
      if (keep === undefined) return skip(`nothing is removed: no \`keep\` is set (${held})`);
      const removed = [];
      for (const { id, reason } of toDelete(present, keep, timezone, context.now())) {
        signal.throwIfAborted();
        await removeBackup(directory, label, id);
        log.info({ id, reason }, 'backup removed');
        removed.push(id);
      }
      if (removed.length === 0) return skip(`nothing to remove: ${held}`);
      const left = formatCount(present.length - removed.length);
      return done(`removed ${plural(removed.length, 'backup')}, kept ${left}`, { facts: { removed } });
    },
  };
}

type Candidate = Parameters<typeof planExpiry>[0][number];

function toDelete(
  backups: readonly Candidate[],
  keep: Keep,
  timezone: string,
  now: Date,
): readonly { readonly id: string; readonly reason: string }[] {
  return planExpiry(backups, keep, timezone, now)
    .filter(({ action }) => action === 'delete')
    .map(({ id, reasons }) => ({ id, reason: reasons.join(', ') }));
}

async function requireSpace(directory: string, [newest]: readonly BackupEntry[]): Promise<void> {
  if (newest === undefined) return;
  const needed = newest.bytes * SPACE_SHARE;
  const place = await nearestFolder(directory);
  const { freeBytes } = await diskUsage(place);
  if (freeBytes >= needed) return;
  throw new MaintError(
    'NO_SPACE',
    `${place} has ${formatBytes(freeBytes)} free, a backup needs about ${formatBytes(needed)}`,
    { detail: 'preflight.no_space' },
  );
}

const databaseName = sql<{ database: string }>`SELECT current_database() AS database`;
