import { randomInt } from 'node:crypto';
import { processorCount, temporaryFolder } from '../../adapters/scratch.ts';
import { timed } from '../../adapters/stopwatch.ts';
import { chooseStore } from '../../backups/choose-store.ts';
import { labelPath, LOCAL } from '../../backups/layout.ts';
import { listBackups, type BackupEntry } from '../../backups/repository.ts';
import { rehearse } from '../../backups/restore-rehearsal.ts';
import { withVerifyReceipt } from '../../backups/verify-evidence.ts';
import { noBackup, verifyOutcome } from '../../backups/verify-outcome.ts';
import { verify, type Verification } from '../../backups/verify.ts';
import type { Outcome } from '../../engine/outcome.ts';
import type { PlanContext, Step, StepContext } from '../../engine/task.ts';
import type { VerifyBackupSettings } from '../verify-backup.ts';

/** What `verify-backup` would do, as steps. Loaded only where it is asked for: it brings its whole trade. */
export async function planVerifyBackup(context: PlanContext<VerifyBackupSettings>): Promise<readonly Step[]> {
  const { settings: asked, signal, project: label } = context;
  const holding = holdingOf(context);
  if (asked.which === 'latest' && asked.sample === undefined) return [newestStep(context, holding)];
  const backups = await listBackups(await chooseStore(holding), label, signal);
  const [newest, ...others] = backups;
  if (newest === undefined) return [newestStep(context, holding)];
  const chosen = asked.sample === undefined ? others : byChance(others, asked.sample);
  return [newest, ...chosen].map((entry, index) => eachStep(context, { ...holding, entry, isNewest: index === 0 }));
}

type Holding = Parameters<typeof chooseStore>[0] & { readonly label: string };

function holdingOf({ settings: { directory, copy }, backups, project }: PlanContext<VerifyBackupSettings>): Holding {
  return { places: backups, directory: directory ?? backups.directory, copy, label: project };
}

/** So many of them, in their order. */
function byChance(entries: readonly BackupEntry[], count: number): readonly BackupEntry[] {
  const left = [...entries];
  while (left.length > count) left.splice(randomInt(left.length), 1);
  return left;
}

/** Looks for the newest backup when it is performed, so that it is also the one just taken. */
function newestStep({ settings: asked }: PlanContext<VerifyBackupSettings>, holding: Holding): Step {
  const { label, copy = LOCAL, directory } = holding;
  const place = copy === LOCAL ? `${directory}/${labelPath(label)}` : copy;
  return {
    title: copy === LOCAL ? `newest backup of ${label}` : `newest backup of ${label} in ${copy}`,
    intent: [`read the newest backup in ${place}`],
    async perform(context) {
      const store = await chooseStore(holding);
      const [entry] = await listBackups(store, label, context.signal);
      if (entry === undefined) return noBackup(label, store.locate(labelPath(label)));
      return judge({ holding, entry, asked, maxAgeMs: asked.maxAge }, context);
    },
  };
}

interface Chosen extends Holding {
  readonly entry: BackupEntry;
  readonly isNewest: boolean;
}

function eachStep(
  { settings: asked }: PlanContext<VerifyBackupSettings>,
  { entry, isNewest, ...holding }: Chosen,
): Step {
  const maxAgeMs = isNewest ? asked.maxAge : undefined;
  return {
    title: holding.copy === LOCAL ? `backup ${entry.id}` : `backup ${entry.id} in ${holding.copy ?? ''}`,
    intent: [`read ${entry.location}`],
    perform: (context) => judge({ holding, entry, asked, maxAgeMs }, context),
  };
}

interface Judged {
  readonly holding: Holding;
  readonly entry: BackupEntry;
  readonly asked: VerifyBackupSettings;
  readonly maxAgeMs: number | undefined;
}

async function judge(judged: Judged, context: StepContext): Promise<Outcome> {
  const { holding, entry, asked, maxAgeMs } = judged;
  const looked = { entry, label: holding.label, level: asked.level, maxAgeMs, now: context.now() };
  const { value: verification, ms } = await timed(() => look(judged, context));
  const outcome = verifyOutcome(looked, verification);
  const proof = { looked, findings: verification.findings, seconds: ms / 1_000 };
  return { ...outcome, facts: { ...outcome.facts, ...(await withVerifyReceipt(holding.directory, proof, context)) } };
}

async function look({ holding, entry, asked }: Judged, context: StepContext): Promise<Verification> {
  const { clients, signal } = context;
  const keys = { clients, identity: context.backups.identity };
  const verification = await verify(
    {
      ...entry,
      label: holding.label,
      // What restoring it reads anyway need not be decoded before.
      level: asked.level === 'restore' ? 'checksum' : asked.level,
      now: context.now(),
      keys,
      pgRestore: (major) => clients.find('pg_restore', major),
      onProgress: (done, total) => context.progress({ done, total, unit: 'bytes' }),
    },
    signal,
  );
  const { manifest } = entry;
  if (asked.level !== 'restore' || verification.findings.length > 0 || manifest === undefined) return verification;
  const { findings } = await rehearse(
    {
      entry,
      manifest,
      keys,
      clients,
      scratchParent: temporaryFolder(),
      jobs: processorCount(),
      assertions: [],
      withAmcheck: false,
      smokeTest: undefined,
      serverMajor: undefined,
      givenServer: undefined,
      skippedExtensions: [],
      onProgress: (done, total) => context.progress({ done, total, unit: 'bytes' }),
    },
    signal,
  );
  return { ...verification, findings };
}
