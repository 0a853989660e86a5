import type { Store } from '../adapters/store.ts';
import { MaintError } from '../base/errors.ts';
import { formatBytes, plural } from '../base/units.ts';
import type { CopyPlace } from '../engine/backup-places.ts';
import { done, fail, skip, type Outcome } from '../engine/outcome.ts';
import type { Step, StepContext } from '../engine/task.ts';
import { copyBackup } from './copy-backup.ts';
import { sweepCopies } from './copy-leftovers.ts';
import { planCopies } from './copy-plan.ts';
import { planRemovals, removeOld, type Removals } from './expire.ts';
import type { Expirable, Fate } from './expiry.ts';
import { labelPath } from './layout.ts';
import { appendReceipt, readReceipts, type Receipt } from './receipts.ts';
import { listBackups, localStore, type BackupEntry } from './repository.ts';
import { standingsOf } from './standing.ts';

/** Whose backups go where. */
interface CopyStep {
  /** The backups of this host. */
  readonly directory: string;
  readonly label: string;
  readonly place: CopyPlace;
  /** Asked when all is sent: may old copies go in this run? */
  readonly mayRemove: () => boolean;
}

/**
 * The step that brings a place of copies up to date: what it lacks is sent there and read back, then what has had its
 * time there goes. A place that cannot be reached holds nothing else up.
 */
export function copyStep(request: CopyStep): Step {
  const { place, label, directory } = request;
  const to = place.open().locate('');
  return {
    title: `copy to ${place.name}`,
    isIndependent: true,
    intent: [
      `send every backup of ${label} in ${directory} that ${to} lacks`,
      ...(place.readsBack ? ['read each byte back from there'] : []),
      ...(place.keep === undefined ? [] : [`remove from ${to} what its keep no longer holds`]),
    ],
    async perform(context) {
      try {
        return await bringUpToDate(request, context);
      } catch (error) {
        if (context.signal.aborted || !(error instanceof MaintError)) throw error;
        return uncopied(place, error);
      }
    },
  };
}

/** That a backup is in one place only is a problem of its own, whoever is to blame. */
function uncopied({ name }: CopyPlace, { message, hint, detail, code }: MaintError): Outcome {
  return fail(`${name} is not up to date: ${message}`, [hint, `maint backups list --copy ${name}`], {
    detail: detail ?? (code === 'STORE_UNREACHABLE' ? 'copy.unreachable' : 'copy.failed'),
  });
}

async function bringUpToDate(request: CopyStep, context: StepContext): Promise<Outcome> {
  const { directory, label, place } = request;
  const { signal, timezone } = context;
  const store = place.open();
  const now = context.now();
  const { receipts } = await readReceipts(directory, label);
  await requireFamiliar({ store, label, receipts }, signal);
  // One that was found bad is sent nowhere, and a copy that was found bad is made anew.
  const asKnown = (entries: readonly BackupEntry[]): readonly (BackupEntry & Expirable)[] =>
    standingsOf({ entries, receipts, now }).map(({ entry, isVerified, pin }) => ({
      ...entry,
      isVerified,
      isPinned: pin !== undefined,
    }));
  const ofThisHost = await listBackups(localStore(directory), label, signal);
  const local = asKnown(ofThisHost);
  const copied = asKnown(await listBackups(store, label, signal));
  const missing = planCopies({ local, copied }, { keep: place.keep, timezone, now });
  const sent = await sendAll(request, missing, context);
  if (sent.faults.length > 0) return unsent(place, sent);
  const entries = await listBackups(store, label, signal);
  const remains = { store, place: place.name, entries, receipts };
  const leftovers = request.mayRemove() ? await sweepCopies(remains, context) : [];
  const removals = await removeWhatMay(request, { entries, ofThisHost }, context);
  return outcomeOf({ place, missing, removals, leftovers, held: copied.length + missing.length });
}

interface Sent {
  readonly copied: readonly BackupEntry[];
  /** Of each that did not arrive whole, in one line. */
  readonly faults: readonly { readonly id: string; readonly message: string }[];
}

/** One that is rotten here must not keep the others from being sent: it is the last reason to have only one copy of them. */
async function sendAll(request: CopyStep, missing: readonly BackupEntry[], context: StepContext): Promise<Sent> {
  const copied: BackupEntry[] = [];
  const faults: Sent['faults'][number][] = [];
  for (const entry of missing) {
    const fault = await sendOne(request, { entry, context }).catch((error: unknown) => {
      // A place that does not answer answers for none of them.
      if (error instanceof MaintError && error.code === 'FILE_UNUSABLE') return error.message;
      throw error;
    });
    if (fault === undefined) copied.push(entry);
    else faults.push({ id: entry.id, message: fault });
  }
  return { copied, faults };
}

function unsent({ name }: CopyPlace, { copied, faults }: Sent): Outcome {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${plural(faults.length - 1, 'more')})` : '';
  const others = copied.length > 0 ? `; ${plural(copied.length, 'other')} arrived` : '';
  return fail(
    `${first?.id ?? ''} did not arrive whole: ${first?.message ?? ''}${more}${others}`,
    ['maint verify-backup --all', `Look for a broken disk or network; run it again. Nothing was removed from ${name}.`],
    {
      detail: 'copy.readback_mismatch',
      facts: {
        copied: copied.map(({ id }) => id),
        id: first?.id ?? '',
        faults: faults.map(({ id, message }) => ({ id, message })),
      },
    },
  );
}

interface Visited {
  readonly store: Store;
  readonly label: string;
  readonly receipts: readonly Receipt[];
}

/**
 * Makes sure that a place that was sent copies has not lost them all: it may be the folder below a missing mount, and to
 * fill it again would hide that somebody has emptied it.
 */
async function requireFamiliar({ store, label, receipts }: Visited, signal: AbortSignal): Promise<void> {
  const wasSent = receipts.some(
    ({ kind, copy, verdict }) => kind === 'copy' && verdict === 'pass' && copy === store.name,
  );
  if (!wasSent || (await store.list(labelPath(label), signal)) !== undefined) return;
  const folder = store.locate(labelPath(label));
  throw new MaintError('STORE_REFUSED', `${folder} holds nothing, and copies were sent there`, {
    hint: `Mount the disk, or find out who has emptied it. If it is a new place, put a file of any name into ${folder}, and it is filled again.`,
    detail: 'copy.emptied',
  });
}

interface Sending {
  readonly entry: BackupEntry;
  readonly context: StepContext;
}

/** @returns what is wrong with the copy; undefined where it is whole */
async function sendOne(
  { directory, label, place }: CopyStep,
  { entry, context }: Sending,
): Promise<string | undefined> {
  const total = place.readsBack ? entry.bytes * 2 : entry.bytes;
  const onBytes = (bytes: number): void => context.progress({ done: bytes, total, unit: 'bytes' });
  const { bytes, fault } = await copyBackup(
    { entry, store: place.open(), readsBack: place.readsBack, onBytes },
    context.signal,
  );
  await appendReceipt(directory, {
    kind: 'copy',
    backup: entry.id,
    label,
    copy: place.name,
    verdict: fault === undefined ? 'pass' : 'fail',
    at: context.now(),
    facts: {
      level: place.readsBack ? 'read-back' : 'sent',
      bytes,
      medium: place.medium,
      offsite: place.isOffsite,
      ...(fault !== undefined && { findings: [{ detail: 'copy.readback_mismatch', message: fault }] }),
    },
  });
  return fault;
}

interface Held {
  /** In the place of copies. */
  readonly entries: readonly BackupEntry[];
  readonly ofThisHost: readonly BackupEntry[];
}

/** As of the backups of this host: what is pinned stays, and where one is suspicious nothing goes. */
async function removeWhatMay(
  { directory, label, place: { keep }, mayRemove }: CopyStep,
  { entries, ofThisHost }: Held,
  { signal, log, timezone, ...context }: StepContext,
): Promise<Removals> {
  if (keep === undefined || !mayRemove()) return { removed: [], retained: [] };
  const { fates } = await planRemovals({ directory, label, entries, ofThisHost, keep, timezone, now: context.now() });
  const onRemoved = ({ id, reasons }: Fate): void => log.info({ id, reasons }, 'copy removed');
  return removeOld({ directory, label, entries, fates, onRemoved }, signal);
}

interface Ended {
  readonly place: CopyPlace;
  readonly missing: readonly BackupEntry[];
  readonly removals: Removals;
  /** Ids of copies that were broken off and that nobody wants any more; what was there of them is gone. */
  readonly leftovers: readonly string[];
  readonly held: number;
}

function outcomeOf({ place, missing, removals: { removed, retained }, leftovers, held }: Ended): Outcome {
  const bytes = missing.reduce((sum, entry) => sum + entry.bytes, 0);
  const proof = place.readsBack ? 'sent and read back' : 'sent';
  const said = [
    ...(missing.length > 0 ? [`${plural(missing.length, 'backup')} (${formatBytes(bytes)}) ${proof}`] : []),
    ...(removed.length > 0 ? [`${plural(removed.length, 'old one')} removed`] : []),
    ...(leftovers.length > 0
      ? [`what was left of ${plural(leftovers.length, 'broken-off copy', 'broken-off copies')} removed`]
      : []),
    ...(retained.length > 0 ? [`${plural(retained.length, 'old one')} kept there by its own rule`] : []),
  ];
  const facts = {
    copied: missing.map(({ id }) => id),
    bytes,
    removed: [...removed],
    retained: [...retained],
    leftovers: [...leftovers],
  };
  if (said.length === 0) return skip(`${place.name} lacks nothing: ${plural(held, 'backup')} there`, { facts });
  return done(said.join(', '), { facts });
}
