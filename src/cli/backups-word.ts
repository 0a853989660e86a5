import { currentUser } from '../adapters/cron-machine.ts';
import { chooseBackup } from '../backups/choose-backup.ts';
import { appendReceipt, type ReceiptFacts } from '../backups/receipts.ts';
import { standingsOf, type Standing } from '../backups/standing.ts';
import { printable, redacted } from '../base/printable.ts';
import type { World } from '../base/world.ts';
import { readHolding } from './backups-holding.ts';
import type { WordInvocation } from './backups-invocation.ts';
import { alone } from './backups-turn.ts';

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

/** `maint backups pin | unpin | ack`: a receipt of what a person says, with who and why. Done twice, it is written once. */
export async function backupsWordCommand(invocation: WordInvocation, world: World): Promise<number> {
  const { kind, isDone, done } = WORDS[invocation.kind];
  const { config } = await readHolding(invocation, world);
  const said = await alone({ config, common: invocation.common }, world, async () => {
    // Read again now that nobody else is at work.
    const { entries, chain, label, directory, where } = await readHolding(invocation, world);
    const entry = chooseBackup(entries, { name: invocation.backup, label, where });
    const now = world.now();
    const [standing] = standingsOf({ entries: [entry], receipts: chain.receipts, now });
    const already = standing && isDone(standing);
    if (already !== undefined) return { id: entry.id, summary: already, receipt: null };
    const facts = { by: `${currentUser()}@${world.hostname}`, reason: printable(redacted(invocation.reason)) };
    const stated = { kind, backup: entry.id, label, copy: entry.store.name, verdict: 'pass' as const };
    const receipt = await appendReceipt(directory, { ...stated, at: now, facts });
    return { id: entry.id, summary: done, receipt };
  });
  const { stdout } = world;
  if (invocation.format === 'json') stdout.write(`${JSON.stringify({ format: 1, ...said })}\n`);
  else stdout.write(`${said.id} ${printable(said.summary)}\n`);
  return 0;
}
