import { formatBytes, formatCount, plural } from '../base/units.ts';
import type { Keep } from '../engine/backup-places.ts';
import { done, skip, warn, type Outcome } from '../engine/outcome.ts';
import type { PlanContext, Step, StepContext } from '../engine/task.ts';
import { planRemovals, removeOld, type ExpiryPlan, type Removals } from './expire.ts';
import { backupFolder } from './layout.ts';
import { listBackups, localStore, type BackupEntry } from './repository.ts';

/** The backups of this host, and what is to stay of them. */
interface Holdings {
  readonly directory: string;
  readonly label: string;
  /** As they are before the new one is taken. */
  readonly backups: readonly BackupEntry[];
  /** Undefined where nothing is ever removed. */
  readonly keep: Keep | undefined;
  /** Asked before anything goes: may it, in this run? */
  readonly mayRemove: () => boolean;
}

type Planning = Pick<PlanContext<unknown>, 'timezone' | 'now'>;

/** The step that lets old backups of this host go. */
export async function expireStep(planning: Planning, holdings: Holdings): Promise<Step> {
  const { keep } = holdings;
  return {
    title: 'expire backups',
    intent: keep === undefined ? ['remove nothing: no `keep` is set'] : await intentOf(planning, { ...holdings, keep }),
    perform: (context) => expire(holdings, context),
  };
}

async function intentOf(
  { timezone, now }: Planning,
  { backups, ...holdings }: Holdings & { readonly keep: Keep },
): Promise<readonly string[]> {
  const startedAt = now();
  const upcoming = { id: 'the new one', startedAt, isVerified: true };
  const request = { ...holdings, entries: backups, upcoming, timezone, now: startedAt };
  const { fates, frozen } = await planRemovals(request);
  const { directory, label } = holdings;
  return [
    ...(frozen === undefined ? [] : [frozen.summary]),
    ...fates
      .filter(({ action }) => action === 'delete')
      .map(({ id, reasons }) => `remove ${backupFolder(directory, label, id)}: ${reasons.join(', ')}`),
  ];
}

async function expire({ directory, label, keep, mayRemove }: Holdings, context: StepContext): Promise<Outcome> {
  const { signal, log, timezone } = context;
  const entries = await listBackups(localStore(directory), label, signal);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const held = `${plural(entries.length, 'backup')}, ${formatBytes(bytes)}`;
  if (keep === undefined) return skip(`nothing is removed: no \`keep\` is set (${held})`);
  const plan = await planRemovals({ directory, label, entries, keep, timezone, now: context.now() });
  if (plan.frozen === undefined && !mayRemove())
    return skip(`nothing is removed in a run whose backup failed (${held})`);
  const onRemoved = ({ id, reasons }: ExpiryPlan['fates'][number]): void => log.info({ id, reasons }, 'backup removed');
  const removals = await removeOld({ directory, label, entries, fates: plan.fates, onRemoved }, signal);
  return expiryOutcome(plan, removals, { held, count: entries.length });
}

function expiryOutcome(
  { frozen }: Pick<ExpiryPlan, 'frozen'>,
  { removed, retained }: Removals,
  { held, count }: { readonly held: string; readonly count: number },
): Outcome {
  if (frozen !== undefined) return warn(`${frozen.summary} (${held})`, frozen.remediation, { detail: frozen.detail });
  const kept = retained.length === 0 ? '' : `, ${formatCount(retained.length)} kept there by its own rule`;
  if (removed.length + retained.length === 0) return skip(`nothing to remove: ${held}`);
  return done(`removed ${plural(removed.length, 'backup')}, kept ${formatCount(count - removed.length)}${kept}`, {
    facts: { removed: [...removed], retained: [...retained] },
  });
}
