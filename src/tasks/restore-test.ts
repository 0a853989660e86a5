import { z } from 'zod';
import { connectionSetting } from '../adapters/connection-setting.ts';
import { processorCount, temporaryFolder } from '../adapters/scratch.ts';
import { durationSetting } from '../base/settings.ts';
import { labelFolder } from '../backups/layout.ts';
import { rehearsalOutcome } from '../backups/rehearsal-outcome.ts';
import { LOCAL } from '../backups/repository.ts';
import { withEvidence } from '../backups/restore-evidence.ts';
import { rehearse } from '../backups/restore-rehearsal.ts';
import { pickBackup, PICKS, type Picking } from '../backups/restore-turn.ts';
import { findDeadSandboxes, sweepSandboxes } from '../backups/sandbox.ts';
import { noBackup } from '../backups/verify-outcome.ts';
import { fail, type Outcome } from '../engine/outcome.ts';
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

const command = z.strictObject({
  run: z.array(z.string().min(1)).min(1).describe('A program and its arguments; it gets DATABASE_URL'),
  timeout: durationSetting.prefault('10 min').describe('How long it may take'),
});

const settings = z.strictObject({
  directory: z.string().min(1).optional().describe('Where the backups are; `backups.directory` where left out'),
  pick: z
    .enum(PICKS)
    .default('rotate')
    .describe('rotate gives each copy and each age its turn; or always the newest, the oldest, or one by chance'),
  copy: z
    .string()
    .min(1)
    .optional()
    .describe('Only this copy: local, or a name under `backups.copies`; where left out, rotate takes all of them'),
  scratch: z
    .string()
    .min(1)
    .optional()
    .describe('A folder with room for the whole database; the temporary folder of the system where left out'),
  jobs: z.int().min(1).max(64).optional().describe('Indexes built at the same time; one per processor where left out'),
  rto: durationSetting.optional().describe('A restore must not take longer than this'),
  rpo: durationSetting.optional().describe('What the newest backup holds must not be older than this'),
  amcheck: z.boolean().default(true).describe('Look at every page and index too, where pg_amcheck is installed'),
  assertions: z.array(assertion).default([]).describe('Questions to the restored database, with their answers'),
  command: command.optional().describe("The application's own test; it fails with any exit code but 0"),
  server: connectionSetting
    .optional()
    .describe('A database URL of another server to make the database on; a throw-away server where left out'),
  sameServer: z.boolean().default(false).describe('Whether `server` may be the very one that the backup came from'),
  serverMajor: z
    .int()
    .min(12)
    .optional()
    .describe("Rehearse an upgrade to this major version of PostgreSQL; the backup's own where left out"),
  skipExtensions: z
    .array(z.string().min(1))
    .default([])
    .describe('Extensions to do without, because the machine of the test does not have them'),
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
    { flag: '--pick <which>', summary: 'rotate, newest, oldest or random', setting: 'pick' },
    { flag: '--copy <name>', summary: 'only this copy', setting: 'copy' },
    { flag: '--directory <path>', summary: 'where the backups are', setting: 'directory' },
    { flag: '--scratch <path>', summary: 'where the throw-away server is made', setting: 'scratch' },
    { flag: '--rto <time>', summary: 'fail when the restore takes longer', setting: 'rto' },
    { flag: '--rpo <age>', summary: 'fail when the newest backup is older', setting: 'rpo' },
    { flag: '--server-major <n>', summary: 'rehearse an upgrade to this version', setting: 'serverMajor' },
  ],
  examples: [
    { command: 'maint restore-test', summary: 'whichever backup has its turn' },
    { command: 'maint restore-test --pick newest --rto 30min', summary: 'the newest one, and in time' },
    { command: 'maint restore-test --copy offsite', summary: 'what if this house burns down?' },
    { command: 'maint restore-test --server-major 18', summary: 'would the upgrade work?' },
  ],

  async plan(context) {
    const { settings: asked, backups, project: label } = context;
    const { pick, copy, directory = backups.directory, scratch = temporaryFolder() } = asked;
    const picking = { places: backups, directory, label, pick, copy };
    const dead = await findDeadSandboxes(scratch, context.now());
    const which = pick === 'rotate' ? 'backup' : `${pick} backup`;
    const from = copy === undefined || copy === LOCAL ? '' : ` in ${copy}`;
    const where = copy === undefined && pick === 'rotate' ? 'whose turn it is' : `of ${copy ?? LOCAL}`;
    return [
      {
        title: `${which} of ${label}${from}`,
        intent: [
          ...dead.map((folder) => `stop what still runs in ${folder}, left by a run that died, and remove it`),
          `restore the ${which} ${where} (${labelFolder(directory, label)}) into a throw-away server below ${scratch}`,
        ],
        perform: (step) => tryOut({ picking, scratch, asked }, step),
      },
    ];
  },
});

interface Trial {
  readonly picking: Picking;
  readonly scratch: string;
  readonly asked: Settings;
}

async function tryOut({ picking, scratch, asked }: Trial, context: StepContext): Promise<Outcome> {
  const { label, directory } = picking;
  for (const folder of await sweepSandboxes(scratch, context.now()))
    context.log.warn({ folder }, 'removed what a dead run left behind');
  const picked = await pickBackup(picking, context.signal);
  const { entry } = picked;
  if (entry === undefined) return noBackup(label, directory);
  const { manifest } = entry;
  if (manifest === undefined) return unreadable(entry.id);
  const place = { directory, label, backup: entry.id, copy: entry.store.name };
  return withEvidence(place, context, async () => {
    const request = { ...requestOf(asked, context), entry, manifest, scratchParent: scratch };
    const rehearsal = await rehearse(request, context.signal);
    const tried = { entry, manifest, picked, label, targets: asked, assertions: asked.assertions.length, rehearsal };
    return rehearsalOutcome(tried, context.history, context.now());
  });
}

function unreadable(id: string): Outcome {
  return fail(`${id}: its manifest is missing or cannot be read`, ['maint verify-backup --all', 'maint backup'], {
    detail: 'verify.manifest_unreadable',
  });
}

function requestOf(
  { jobs = processorCount(), assertions, amcheck, command: test, ...asked }: Settings,
  context: StepContext,
): Omit<Parameters<typeof rehearse>[0], 'entry' | 'manifest' | 'scratchParent'> {
  return {
    clients: context.clients,
    keys: { clients: context.clients, identity: context.backups.identity },
    jobs,
    assertions,
    withAmcheck: amcheck,
    smokeTest: test && { command: test.run, timeoutMs: test.timeout },
    serverMajor: asked.serverMajor,
    givenServer: asked.server && { connection: asked.server, mayBeSource: asked.sameServer },
    skippedExtensions: asked.skipExtensions,
    onBytes: (bytes) => context.progress({ done: bytes, unit: 'bytes' }),
  };
}
