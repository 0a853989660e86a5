import { planRemovals, removeOld, type ExpiryPlan, type Removals } from '../backups/expire.ts';
import { requireFolder } from '../backups/choose-store.ts';
import { keepSettings } from '../backups/keep-settings.ts';
import { listBackups, localStore } from '../backups/repository.ts';
import { printable } from '../base/printable.ts';
import { formatBytes, formatCount, plural } from '../base/units.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import type { Keep } from '../engine/backup-places.ts';
import { isLocal, NEVER, readHolding, settingOf, type Holding } from './backups-holding.ts';
import type { PruneInvocation } from './backups-invocation.ts';
import { alone } from './backups-turn.ts';
import { signalExitCode } from './exit-code.ts';
import { padded } from './layout.ts';
import { paintFor } from './style.ts';
import { listenForStop } from './stopping.ts';

const NOTHING: Removals = { removed: [], retained: [] };

/**
 * `maint backups prune`: says what becomes of each backup and why, then removes what has had its time.
 * @returns 0, also where nothing may go for the time being
 */
export async function backupsPruneCommand(invocation: PruneInvocation, world: World): Promise<number> {
  const looked = await read(invocation, world);
  if (looked.keep === undefined || invocation.dryRun) {
    say(invocation, world, { ...looked, removals: NOTHING });
    return 0;
  }
  using stopping = listenForStop(world, false);
  try {
    await pruneNow(invocation, world, { config: looked.holding.config, signal: stopping.signal });
    return 0;
  } catch (error) {
    const stoppedBy = stopping.stoppedBy();
    if (stoppedBy === null) throw error;
    world.stderr.write('maint: stopped; what was removed so far was removed whole, and the rest is as it was\n');
    return signalExitCode(stoppedBy);
  }
}

interface Stoppable {
  readonly config: Config;
  readonly signal: AbortSignal;
}

async function pruneNow(invocation: PruneInvocation, world: World, { config, signal }: Stoppable): Promise<void> {
  await alone({ config, common: invocation.common }, world, async () => {
    // Read again now that nobody else is at work.
    const looked = await read(invocation, world);
    const { directory, label, entries } = looked.holding;
    const fates = looked.plan?.fates ?? [];
    const removals = await removeOld({ directory, label, entries, fates, onRemoved: () => undefined }, signal);
    say(invocation, world, { ...looked, removals });
  });
}

interface Looked {
  readonly holding: Holding;
  /** Undefined where nobody said what is to stay: then nothing goes. */
  readonly keep: Keep | undefined;
  readonly plan: ExpiryPlan | undefined;
}

async function read(invocation: PruneInvocation, world: World): Promise<Looked> {
  const holding = await readHolding(invocation, world);
  const { config, store, directory, label, entries } = holding;
  // Without them nobody knows what is pinned.
  await requireFolder(directory);
  const keep = isLocal(store)
    ? keepSettings.optional().parse(settingOf(config, 'keep'))
    : config.backups.copies.find(({ name }) => name === store.name)?.keep;
  if (keep === undefined) return { holding, keep, plan: undefined };
  const { timezone } = config;
  const ofThisHost = isLocal(store) ? entries : await listBackups(localStore(directory), label, NEVER);
  const expiring = { directory, label, entries, ofThisHost, keep, timezone, now: world.now() };
  return { holding, keep, plan: await planRemovals(expiring) };
}

interface Pruned extends Looked {
  readonly removals: Removals;
}

function say(invocation: PruneInvocation, world: World, pruned: Pruned): void {
  const { stdout, env } = world;
  if (invocation.format === 'json') {
    stdout.write(`${JSON.stringify(documentOf(invocation, pruned))}\n`);
    return;
  }
  const paint = paintFor(invocation.common.color, env, stdout);
  const { plan, removals } = pruned;
  const fates = (plan?.fates ?? []).map(({ id, action, reasons }) => {
    const end = removals.retained.includes(id) ? 'kept there by its own rule' : reasons.join(', ');
    const line = printable(`${padded(action, 6)}  ${id}  ${end}`);
    return action === 'delete' ? paint('yellow', line) : line;
  });
  const frozen = plan?.frozen;
  const aside = frozen === undefined ? [] : [frozen.summary, ...frozen.remediation.map((each) => `    → ${each}`)];
  const lines = [...fates, ...[...aside, closing(invocation, pruned)].map(printable)];
  stdout.write(lines.map((line) => `${line}\n`).join(''));
}

function closing({ dryRun }: PruneInvocation, { holding, keep, plan, removals }: Pruned): string {
  const { entries, where } = holding;
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const held = `${plural(entries.length, 'backup')}, ${formatBytes(bytes)} in ${where}`;
  if (keep === undefined) return `nothing is removed: no \`keep\` is set (${held})`;
  const doomed = (plan?.fates ?? []).filter(({ action }) => action === 'delete').length;
  if (dryRun) return `would remove ${formatCount(doomed)} of ${held}`;
  const gone = removals.removed.length;
  return gone === 0 ? `nothing removed: ${held}` : `removed ${formatCount(gone)} of ${held}`;
}

function documentOf({ dryRun }: PruneInvocation, { holding, keep, plan, removals }: Pruned): object {
  const { label, store, where } = holding;
  return {
    format: 1,
    project: label,
    copy: store.name,
    location: where,
    dryRun,
    keep: keep ?? null,
    fates: plan?.fates ?? [],
    frozen: plan?.frozen ?? null,
    ...removals,
  };
}
