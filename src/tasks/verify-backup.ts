import { z } from 'zod';
import type { ClientPrograms } from '../adapters/client-programs.ts';
import { listFolder } from '../adapters/files.ts';
import { MaintError } from '../base/errors.ts';
import { durationSetting } from '../base/settings.ts';
import { formatBytes, formatDuration, plural } from '../base/units.ts';
import { labelFolder } from '../backups/layout.ts';
import { listBackups, type BackupEntry } from '../backups/repository.ts';
import { verify, type Verification } from '../backups/verify.ts';
import { done, fail, type Outcome } from '../engine/outcome.ts';
import { defineTask, type PlanContext, type Step, type StepContext } from '../engine/task.ts';

const settings = z.strictObject({
  directory: z.string().min(1).optional().describe('Where the backups are; `backups.directory` where left out'),
  which: z.enum(['latest', 'all']).default('latest').describe('The newest backup, or each one'),
  maxAge: durationSetting.optional().describe('The newest backup must not be older than this'),
});

type Settings = z.infer<typeof settings>;

/** Proves backups without any server: every byte, every block, and the rows of every table. */
export const verifyBackup = defineTask<Settings>({
  name: 'verify-backup',
  summary: 'Decode backups without a server and compare every table',
  tier: 'weekly',
  effect: 'reads',
  withoutDatabase: true,
  onFailure: 'continue',
  deadlineMs: 6 * 60 * 60_000,
  settings,
  flags: [
    { flag: '--latest', summary: 'the newest backup only', setting: 'which', value: 'latest' },
    { flag: '--all', summary: 'each backup', setting: 'which', value: 'all' },
    { flag: '--max-age <age>', summary: 'fail when the newest backup is older', setting: 'maxAge' },
    { flag: '--directory <path>', summary: 'where the backups are', setting: 'directory' },
  ],
  examples: [
    { command: 'maint verify-backup --max-age 26h', summary: 'is there a good backup of the last day?' },
    { command: 'maint verify-backup --all --json', summary: 'prove every backup, for a program' },
  ],

  async plan(context) {
    const directory = context.settings.directory ?? context.backupDirectory;
    const holding = { directory, label: context.project };
    if (context.settings.which === 'latest') return [newestStep(context, holding)];
    const backups = await listBackups(directory, context.project);
    if (backups.length === 0) return [newestStep(context, holding)];
    return backups.map((entry, index) => eachStep(context, { ...holding, entry, isNewest: index === 0 }));
  },
});

interface Holding {
  readonly directory: string;
  readonly label: string;
}

/** Looks for the newest backup when it is performed, so that it is also the one just taken. */
function newestStep({ settings, clients }: PlanContext<Settings>, holding: Holding): Step {
  const { directory, label } = holding;
  return {
    title: `newest backup of ${label}`,
    intent: [`read the newest backup in ${labelFolder(directory, label)}`],
    async perform(context) {
      await requireDirectory(directory);
      const [entry] = await listBackups(directory, label);
      if (entry === undefined) return none(holding);
      return judge({ ...holding, entry, maxAgeMs: settings.maxAge, clients }, context);
    },
  };
}

interface Chosen extends Holding {
  readonly entry: BackupEntry;
  readonly isNewest: boolean;
}

function eachStep({ settings, clients }: PlanContext<Settings>, { isNewest, ...chosen }: Chosen): Step {
  const maxAgeMs = isNewest ? settings.maxAge : undefined;
  return {
    title: `backup ${chosen.entry.id}`,
    intent: [`read ${chosen.entry.folder}`],
    perform: (context) => judge({ ...chosen, maxAgeMs, clients }, context),
  };
}

/** That there is no such directory may be a typing error or a missing mount: nothing was found out. */
async function requireDirectory(directory: string): Promise<void> {
  if ((await listFolder(directory)) !== undefined) return;
  throw new MaintError('FILE_UNUSABLE', `${directory} does not exist`, {
    hint: 'Check backup.directory and verify-backup.directory, and that the disk is mounted.',
  });
}

function none({ directory, label }: Holding): Outcome {
  return fail(`there is no backup of ${label} in ${directory}`, ['maint backup', 'maint history'], {
    detail: 'backup.none',
  });
}

interface Judged extends Holding {
  readonly entry: BackupEntry;
  readonly maxAgeMs: number | undefined;
  readonly clients: ClientPrograms;
}

async function judge(judged: Judged, context: StepContext): Promise<Outcome> {
  const { entry, label, clients } = judged;
  const now = context.now();
  const verification = await verify(
    {
      folder: entry.folder,
      id: entry.id,
      label,
      now,
      pgRestore: (major) => clients.find('pg_restore', major),
      zstd: await clients.locate('zstd'),
      onProgress: (bytes, total) => context.progress({ done: bytes, total, unit: 'bytes' }),
    },
    context.signal,
  );
  if (verification.findings.length > 0) return bad(judged, verification);
  return good(judged, verification, now);
}

function bad({ entry }: Judged, { findings }: Verification): Outcome {
  const [first] = findings;
  const more = findings.length > 1 ? ` (and ${plural(findings.length - 1, 'more finding')})` : '';
  return fail(
    `${entry.id}: ${first?.message ?? ''}${more}`,
    [
      'maint verify-backup --all',
      'maint backup',
      `Keep ${entry.folder} until it is understood what changed it; do not restore from it.`,
    ],
    {
      facts: {
        id: entry.id,
        folder: entry.folder,
        findings: findings.map(({ detail, message }) => ({ detail, message })),
      },
      ...(first !== undefined && { detail: first.detail }),
    },
  );
}

function good({ entry, label, maxAgeMs }: Judged, { bytes, rows, tables }: Verification, now: Date): Outcome {
  const ageMs = Math.max(0, now.getTime() - entry.startedAt.getTime());
  const facts = { id: entry.id, folder: entry.folder, bytes, rows, tables, ageSeconds: Math.round(ageMs / 1_000) };
  const samples = [{ name: 'backup.age', subject: label, value: ageMs / 1_000, unit: 'seconds' as const }];
  if (maxAgeMs !== undefined && ageMs > maxAgeMs)
    return fail(
      `the newest backup is ${formatDuration(ageMs)} old, at most ${formatDuration(maxAgeMs)} is allowed`,
      ['maint history', 'maint backup', 'Look why no later backup was taken: cron, the log of maint, the server.'],
      { facts, samples, detail: 'backup.stale' },
    );
  const size = `${formatBytes(bytes)}, ${plural(tables, 'table')}, ${plural(rows, 'row')}`;
  return done(`${entry.id} is whole: ${size}, ${formatDuration(ageMs)} old`, { facts, samples });
}
