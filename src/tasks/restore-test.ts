import { z } from 'zod';
import { processorCount, temporaryFolder } from '../adapters/scratch.ts';
import { durationSetting } from '../base/settings.ts';
import { formatDuration, plural } from '../base/units.ts';
import { labelFolder } from '../backups/layout.ts';
import type { Manifest } from '../backups/manifest.ts';
import type { BackupEntry } from '../backups/repository.ts';
import { withEvidence } from '../backups/restore-evidence.ts';
import { PICKS, pickBackup } from '../backups/restore-pick.ts';
import { rehearse, type Rehearsal } from '../backups/restore-rehearsal.ts';
import type { RestoreFinding } from '../backups/restore-checks.ts';
import { findDeadSandboxes, sweepSandboxes } from '../backups/sandbox.ts';
import { done, fail, type Outcome } from '../engine/outcome.ts';
import { defineTask, type StepContext } from '../engine/task.ts';

const assertion = z
  .strictObject({
    name: z.string().min(1).describe('What reports call it'),
    sql: z.string().min(1).describe('One statement whose answer is one value'),
    expect: z.union([z.string(), z.number(), z.boolean()]).optional().describe('The value that must come back'),
    min: z.number().optional().describe('The number that comes back must not be smaller'),
    max: z.number().optional().describe('The number that comes back must not be larger'),
  })
  .refine(({ expect, min, max }) => expect !== undefined || min !== undefined || max !== undefined, {
    message: 'expects nothing: give at least one of expect, min and max',
  });

const settings = z.strictObject({
  directory: z.string().min(1).optional().describe('Where the backups are; `backups.directory` where left out'),
  pick: z.enum(PICKS).default('newest').describe('Which of the backups to restore'),
  scratch: z
    .string()
    .min(1)
    .optional()
    .describe('A folder with room for the whole database; the temporary folder of the system where left out'),
  jobs: z.int().min(1).max(64).optional().describe('Indexes built at the same time; one per processor where left out'),
  rto: durationSetting.optional().describe('A restore must not take longer than this'),
  rpo: durationSetting.optional().describe('What the backup holds must not be older than this'),
  amcheck: z.boolean().default(true).describe('Look at every page and index too, where pg_amcheck is installed'),
  assertions: z.array(assertion).default([]).describe('Questions to the restored database, with their answers'),
});

type Settings = z.infer<typeof settings>;

/** Proves a backup by what it is for: it is restored into a server of its own, questioned, and thrown away. */
export const restoreTest = defineTask<Settings>({
  name: 'restore-test',
  summary: 'Restore a backup into a throw-away server and question it',
  tier: 'monthly',
  effect: 'changes',
  withoutDatabase: true,
  onFailure: 'continue',
  deadlineMs: 12 * 60 * 60_000,
  settings,
  flags: [
    { flag: '--pick <which>', summary: 'newest, oldest or random', setting: 'pick' },
    { flag: '--directory <path>', summary: 'where the backups are', setting: 'directory' },
    { flag: '--scratch <path>', summary: 'where the throw-away server is made', setting: 'scratch' },
    { flag: '--rto <time>', summary: 'fail when the restore takes longer', setting: 'rto' },
    { flag: '--rpo <age>', summary: 'fail when the backup is older', setting: 'rpo' },
  ],
  examples: [
    { command: 'maint restore-test', summary: 'is the newest backup worth anything?' },
    { command: 'maint restore-test --pick oldest --rto 30min', summary: 'the oldest one, and in time' },
  ],

  async plan(context) {
    const directory = context.settings.directory ?? context.backupDirectory;
    const { pick, scratch = temporaryFolder() } = context.settings;
    const place = { directory, label: context.project, scratch };
    const dead = await findDeadSandboxes(scratch, context.now());
    return [
      {
        title: `${pick} backup of ${context.project}`,
        intent: [
          ...dead.map((folder) => `stop what still runs in ${folder}, left by a run that died, and remove it`),
          `restore the ${pick} backup in ${labelFolder(directory, context.project)} into a throw-away server below ${scratch}`,
        ],
        perform: (step) => tryOut(place, context.settings, step),
      },
    ];
  },
});

interface Place {
  readonly directory: string;
  readonly label: string;
  readonly scratch: string;
}

async function tryOut(place: Place, settings: Settings, context: StepContext): Promise<Outcome> {
  const { directory, label, scratch } = place;
  for (const folder of await sweepSandboxes(scratch, context.now()))
    context.log.warn({ folder }, 'removed what a dead run left behind');
  const entry = await pickBackup(directory, label, settings.pick);
  if (entry === undefined)
    return fail(`there is no backup of ${label} in ${directory}`, ['maint backup', 'maint history'], {
      detail: 'backup.none',
    });
  const { manifest } = entry;
  if (manifest === undefined)
    return fail(
      `${entry.id}: its manifest is missing or cannot be read`,
      ['maint verify-backup --all', 'maint backup'],
      {
        detail: 'verify.manifest_unreadable',
      },
    );
  return withEvidence({ directory, label, backup: entry.id }, context, () =>
    rehearse({ ...requestOf(settings, context), ...entry, manifest, scratchParent: scratch }, context.signal).then(
      (rehearsal) => judge({ entry, manifest, label, settings, rehearsal }, context.now()),
    ),
  );
}

function requestOf(
  { jobs = processorCount(), assertions, amcheck }: Settings,
  context: StepContext,
): Omit<Parameters<typeof rehearse>[0], 'folder' | 'manifest' | 'scratchParent'> {
  return {
    clients: context.clients,
    jobs,
    assertions,
    withAmcheck: amcheck,
    onBytes: (bytes) => context.progress({ done: bytes, unit: 'bytes' }),
  };
}

interface Tried {
  readonly entry: BackupEntry;
  readonly manifest: Manifest;
  readonly label: string;
  readonly settings: Settings;
  readonly rehearsal: Rehearsal;
}

function judge({ entry, manifest, label, settings, rehearsal }: Tried, now: Date): Outcome {
  const { seconds, findings } = rehearsal;
  const rtoSeconds = seconds.cluster + seconds.load + seconds.indexes + seconds.checks;
  const rpoSeconds = Math.max(0, now.getTime() - Date.parse(manifest.snapshot.takenAt)) / 1_000;
  const late = lateness({ rto: rtoSeconds * 1_000, rpo: rpoSeconds * 1_000 }, settings);
  const tables = Object.values(manifest.tables);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const all = [...findings, ...late];
  const extras = {
    facts: {
      id: entry.id,
      folder: entry.folder,
      tables: tables.length,
      rows,
      rtoSeconds,
      rpoSeconds,
      seconds,
      serverMajor: rehearsal.serverMajor,
      placeholders: rehearsal.placeholders,
      amcheck: rehearsal.isAmchecked,
      assertions: settings.assertions.length,
      findings: all.map(({ detail, message }) => ({ detail, message })),
    },
    samples: [
      { name: 'restore.rto', subject: label, value: rtoSeconds, unit: 'seconds' as const },
      { name: 'restore.rpo', subject: label, value: rpoSeconds, unit: 'seconds' as const },
      ...Object.entries(seconds).map(([phase, value]) => ({
        name: `restore.${phase}`,
        subject: label,
        value,
        unit: 'seconds' as const,
      })),
    ],
  };
  const [first] = all;
  if (first !== undefined) return broken(entry, all, { ...extras, detail: first.detail });
  const took = formatDuration(rtoSeconds * 1_000);
  const asked = settings.assertions.length === 0 ? '' : `, ${plural(settings.assertions.length, 'assertion')} held`;
  const size = `${plural(tables.length, 'table')}, ${plural(rows, 'row')}`;
  return done(`${entry.id} restored in ${took}: ${size}, all as backed up${asked}`, extras);
}

function broken(entry: BackupEntry, findings: readonly RestoreFinding[], extras: Parameters<typeof fail>[2]): Outcome {
  const [first] = findings;
  const more = findings.length > 1 ? ` (and ${plural(findings.length - 1, 'more finding')})` : '';
  return fail(
    `${entry.id}: ${first?.message ?? ''}${more}`,
    [
      'maint verify-backup --all',
      'maint restore-test --pick oldest',
      `Read docs/runbooks/restore.md; keep ${entry.folder} until it is understood what is wrong with it.`,
    ],
    extras,
  );
}

function lateness(
  measured: Readonly<Record<'rto' | 'rpo', number>>,
  { rto, rpo }: Settings,
): readonly RestoreFinding[] {
  const over = (what: 'rto' | 'rpo', limitMs: number | undefined, words: string): readonly RestoreFinding[] => {
    if (limitMs === undefined || measured[what] <= limitMs) return [];
    const message = `${words} ${formatDuration(measured[what])}, at most ${formatDuration(limitMs)} is allowed`;
    return [{ detail: `${what}.exceeded`, message }];
  };
  return [...over('rto', rto, 'the restore took'), ...over('rpo', rpo, 'what it holds is as old as')];
}
