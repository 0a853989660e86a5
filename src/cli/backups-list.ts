import { kindOfFolder, labelPath } from '../backups/layout.ts';
import { dumpOf } from '../backups/manifest.ts';
import { standingsOf, type Standing } from '../backups/standing.ts';
import { printable } from '../base/printable.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../base/units.ts';
import type { World } from '../base/world.ts';
import { NEVER, readHolding, type Holding } from './backups-holding.ts';
import type { ListInvocation } from './backups-invocation.ts';
import { padded } from './layout.ts';
import { paintFor, type Paint } from './style.ts';

/** `maint backups list`: one line for each backup of a place, newest first. */
export async function backupsListCommand(invocation: ListInvocation, world: World): Promise<number> {
  const now = world.now();
  const holding = await readHolding(invocation, world);
  const { entries, chain, config } = holding;
  const { readBackWithin } = config.backupRules;
  const standings = standingsOf({ entries, receipts: chain.receipts, now, readBackMs: readBackWithin });
  const others = await countOthers(holding);
  const { stdout } = world;
  if (invocation.format === 'json') stdout.write(`${JSON.stringify(documentOf(holding, standings, others))}\n`);
  else {
    const paint = paintFor(invocation.common.color, world.env, stdout);
    stdout.write(`${textOf(holding, { standings, others, now, paint }).map(printableEnd).join('\n')}\n`);
  }
  return 0;
}

function printableEnd(line: string): string {
  return line.trimEnd();
}

/** Folders beside the backups that are none. */
interface Others {
  /** Backups that are being taken, or were broken off, and such as are half removed. */
  readonly hidden: number;
  readonly foreign: number;
}

async function countOthers({ store, label }: Holding): Promise<Others> {
  const folders = (await store.list(labelPath(label), NEVER))?.folders ?? [];
  const kinds = folders.map(kindOfFolder);
  return {
    hidden: kinds.filter((kind) => kind === 'staging' || kind === 'trash').length,
    foreign: kinds.filter((kind) => kind === 'foreign').length,
  };
}

/** What a person has to know of a backup at a glance; `bad` and `incomplete` are never restored from. */
function marksOf({ entry, failure, pin, suspicions }: Standing): readonly string[] {
  return [
    ...(failure === undefined ? [] : ['bad']),
    ...(entry.isVerified ? [] : ['incomplete']),
    ...(suspicions.length > 0 ? ['suspicious'] : []),
    ...(pin === undefined ? [] : ['pinned']),
    ...(entry.manifest !== undefined && dumpOf(entry.manifest)?.codec.includes('age') === true ? ['encrypted'] : []),
  ];
}

function rowsOf({ entry }: Standing): number | undefined {
  const tables = entry.manifest && Object.values(entry.manifest.tables);
  return tables?.reduce((sum, { rows }) => sum + rows, 0);
}

function documentOf({ label, store, where, chain }: Holding, standings: readonly Standing[], others: Others): object {
  return {
    format: 1,
    project: label,
    copy: store.name,
    location: where,
    backups: standings.map((standing) => {
      const { entry, isVerified, proof, pin, heldBy, suspicions, failure } = standing;
      return {
        id: entry.id,
        startedAt: entry.startedAt.toISOString(),
        takenAt: entry.manifest?.snapshot.takenAt ?? null,
        location: entry.location,
        bytes: entry.bytes,
        rows: rowsOf(standing) ?? null,
        isVerified,
        verified: proof === undefined ? null : { level: proof.level, at: proof.at.toISOString() },
        copies: [store.name, ...heldBy],
        marks: marksOf(standing),
        pin: pin === undefined ? null : { by: pin.by, reason: pin.reason, at: pin.at.toISOString() },
        suspicions,
        findings: failure?.findings ?? [],
      };
    }),
    ...others,
    receiptsFault: chain.fault ?? null,
  };
}

interface Shown {
  readonly standings: readonly Standing[];
  readonly others: Others;
  readonly now: Date;
  readonly paint: Paint;
}

const HEAD = ['backup', 'age', 'size', 'rows', 'verified', 'copies', ''] as const;

function textOf({ label, where, chain }: Holding, { standings, others, now, paint }: Shown): readonly string[] {
  if (standings.length === 0)
    return [`there is no backup of ${printable(label)} in ${printable(where)}`, ...aside(others, chain)];
  const rows = standings.map((standing) => cells(standing, now));
  const widths = HEAD.map((title, column) => Math.max(...[HEAD, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => padded(cell, widths[column] ?? 0)).join('  ');
  const bytes = standings.reduce((sum, { entry }) => sum + entry.bytes, 0);
  return [
    paint('dim', line(HEAD)),
    ...rows.map((row, index) => {
      const isGood = standings[index]?.isVerified === true;
      return isGood ? line(row) : paint('red', line(row));
    }),
    `${plural(standings.length, 'backup')}, ${formatBytes(bytes)} in ${printable(where)}`,
    ...aside(others, chain),
  ];
}

function cells(standing: Standing, now: Date): readonly string[] {
  const { entry, proof, failure, heldBy } = standing;
  const rows = rowsOf(standing);
  const ago = (at: Date): string => formatDuration(Math.max(0, now.getTime() - at.getTime()));
  return [
    entry.id,
    ago(entry.startedAt),
    formatBytes(entry.bytes),
    rows === undefined ? '?' : formatCount(rows),
    failure === undefined ? (proof === undefined ? 'never' : `${proof.level}, ${ago(proof.at)} ago`) : 'found bad',
    [entry.store.name, ...heldBy].join(', '),
    marksOf(standing).join(', '),
  ].map(printable);
}

function aside({ hidden, foreign }: Others, { fault }: Holding['chain']): readonly string[] {
  return [
    ...(fault === undefined
      ? []
      : [`the receipts are not whole (${printable(fault)}): what was found bad, or is pinned, may be missing here`]),
    ...(hidden > 0
      ? [`${plural(hidden, 'hidden folder')}: a backup that is being taken, or that a dead run left`]
      : []),
    ...(foreign > 0 ? [`${plural(foreign, 'folder')} there that maint did not make; it leaves them alone`] : []),
  ];
}
