import { processorCount, temporaryFolder } from '../../adapters/scratch.ts';
import { labelFolder, LOCAL } from '../../backups/layout.ts';
import { rehearsalOutcome } from '../../backups/rehearsal-outcome.ts';
import { withEvidence } from '../../backups/restore-evidence.ts';
import { rehearse } from '../../backups/restore-rehearsal.ts';
import { pickBackup, type Picking } from '../../backups/restore-turn.ts';
import { findDeadSandboxes, sweepSandboxes } from '../../backups/sandbox.ts';
import { noBackup } from '../../backups/verify-outcome.ts';
import { fail, type Outcome } from '../../engine/outcome.ts';
import type { PlanContext, Step, StepContext } from '../../engine/task.ts';
import type { RestoreTestSettings } from '../restore-test.ts';

/** What `restore-test` would do, as steps. Loaded only where it is asked for: it brings its whole trade. */
export async function planRestoreTest(context: PlanContext<RestoreTestSettings>): Promise<readonly Step[]> {
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
}

interface Trial {
  readonly picking: Picking;
  readonly scratch: string;
  readonly asked: RestoreTestSettings;
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
  { jobs = processorCount(), assertions, amcheck, command: test, ...asked }: RestoreTestSettings,
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
    onProgress: (done, total) => context.progress({ done, total, unit: 'bytes' }),
  };
}
