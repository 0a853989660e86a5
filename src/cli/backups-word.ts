import { currentUser } from '../adapters/cron-machine.ts';
import { chooseBackup } from '../backups/choose-backup.ts';
import { appendReceipt, type ReceiptFacts } from '../backups/receipts.ts';
import { standingsOf, type Standing } from '../backups/standing.ts';
import { printable, redacted } from '../base/printable.ts';
import type { World } from '../base/world.ts';
import { MaintError } from '../base/errors.ts';
import type { BackupEntry } from '../backups/repository.ts';
import { NEVER, readHolding } from './backups-holding.ts';
import type { WordInvocation } from './backups-invocation.ts';

interface Word {
  readonly kind: ReceiptFacts['kind'];
  /** Why there is nothing to write down; undefined where there is. */
  readonly isDone: (standing: Standing) => string | undefined;
  readonly done: string;
}

const WORDS: Readonly<Record<WordInvocation['kind'], Word>> = {
  'backups-pin': {
    kind: 'pin',
    isDone: ({ pin }) => (pin === undefined ? undefined : `is pinned already, by ${pin.by}: ${pin.reason}`),
    done: 'is pinned: it stays until it is unpinned',
  },
  'backups-unpin': {
    kind: 'unpin',
    isDone: ({ pin }) => (pin === undefined ? 'is not pinned' : undefined),
    done: 'is not pinned any more',
  },
  'backups-ack': {
    kind: 'acknowledge',
    isDone: ({ suspicions, acknowledged }) => {
      if (acknowledged !== undefined) return `is acknowledged already, by ${acknowledged.by}: ${acknowledged.reason}`;
      return suspicions.length === 0 ? 'is not suspicious' : undefined;
    },
    done: 'is acknowledged: it is as it should be, and expiry goes on',
  },
};

/**
 * `maint backups pin | unpin | ack`: a receipt of what a person says, with who and why. Done twice, it is written once. It
 * waits for no run: expiry looks at the receipts once more before each backup that goes.
 */
export async function backupsWordCommand(invocation: WordInvocation, world: World): Promise<number> {
  const { kind, isDone, done } = WORDS[invocation.kind];
  const { entries, chain, label, directory, where } = await readHolding(invocation, world);
  const entry = chooseBackup(entries, { name: invocation.backup, label, where });
  const now = world.now();
  const [standing] = standingsOf({ entries: [entry], receipts: chain.receipts, now });
  const already = standing && isDone(standing);
  const stated = { kind, backup: entry.id, label, copy: entry.store.name, verdict: 'pass' as const };
  const facts = { by: `${currentUser()}@${world.hostname}`, reason: printable(redacted(invocation.reason)) };
  const receipt = already === undefined ? await appendReceipt(directory, { ...stated, at: now, facts }) : null;
  if (receipt !== null) await requireStill(entry, where);
  const said = { id: entry.id, summary: already ?? done, receipt };
  const { stdout } = world;
  if (invocation.format === 'json') stdout.write(`${JSON.stringify({ format: 1, ...said })}\n`);
  else stdout.write(`${said.id} ${printable(said.summary)}\n`);
  return 0;
}

/** It may have been expiring at this very moment. */
async function requireStill({ store, path, id }: BackupEntry, where: string): Promise<void> {
  if ((await store.list(path, NEVER)) !== undefined) return;
  throw new MaintError('FILE_UNUSABLE', `${id} has just gone from ${where}`, {
    hint: 'It expired at this moment: look with `maint backups list`, and choose another one.',
    detail: 'backup.gone',
  });
}
