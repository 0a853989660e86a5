import { chooseBackup } from '../backups/choose-backup.ts';
import type { Manifest } from '../backups/manifest.ts';
import type { Receipt } from '../backups/receipts.ts';
import { standingsOf, type Standing } from '../backups/standing.ts';
import { printable, redacted } from '../base/printable.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../base/units.ts';
import type { World } from '../base/world.ts';
import { readHolding } from './backups-holding.ts';
import type { ShowInvocation } from './backups-invocation.ts';
import { definitions, hanging } from './layout.ts';
import { paintFor, type Paint } from './style.ts';

/** So many tables are shown, those with the most rows. */
const SHOWN_TABLES = 12;

/** `maint backups show`: what one backup says of itself, and what receipts say of it. */
export async function backupsShowCommand(invocation: ShowInvocation, world: World): Promise<number> {
  const now = world.now();
  const { entries, chain, label, where, config } = await readHolding(invocation, world);
  const entry = chooseBackup(entries, { name: invocation.backup, label, where });
  const receipts = chain.receipts.filter(({ backup }) => backup === entry.id);
  const { readBackWithin } = config.backupRules;
  const [standing] = standingsOf({ entries: [entry], receipts, now, readBackMs: readBackWithin });
  if (standing === undefined) throw new Error('an entry had no standing');
  const { stdout, env } = world;
  if (invocation.format === 'json') {
    stdout.write(`${JSON.stringify(documentOf(standing, receipts))}\n`);
    return 0;
  }
  const page = { columns: Math.min(stdout.columns, 120), paint: paintFor(invocation.common.color, env, stdout), now };
  const lines = [...headOf(standing, page), ...manifestLines(standing, page), ...receiptLines(receipts, page)];
  stdout.write(lines.map((line) => `${line}\n`).join(''));
  return 0;
}

function documentOf(
  { entry, isVerified, proof, pin, suspicions, heldBy, failure }: Standing,
  receipts: readonly Receipt[],
): object {
  return {
    format: 1,
    id: entry.id,
    copy: entry.store.name,
    location: entry.location,
    bytes: entry.bytes,
    isVerified,
    verified: proof ?? null,
    pin: pin ?? null,
    suspicions,
    copies: [entry.store.name, ...heldBy],
    findings: failure?.findings ?? [],
    manifest: entry.manifest ?? null,
    receipts,
  };
}

interface Page {
  readonly columns: number;
  readonly paint: Paint;
  readonly now: Date;
}

function headOf(standing: Standing, { columns, paint, now }: Page): readonly string[] {
  const { entry, proof, failure, pin, acknowledged, heldBy, isVerified } = standing;
  const ago = (at: Date): string => `${formatDuration(Math.max(0, now.getTime() - at.getTime()))} ago`;
  const facts: readonly (readonly [string, string])[] = [
    ['where', entry.location],
    ['begun', `${entry.startedAt.toISOString()}, ${ago(entry.startedAt)}`],
    ['size', formatBytes(entry.bytes)],
    ['verified', proof === undefined ? 'never' : `${proof.level}, ${ago(proof.at)}`],
    ['copies', [entry.store.name, ...heldBy].join(', ')],
    ...(pin === undefined ? [] : [['pinned', `by ${pin.by}, ${ago(pin.at)}: ${pin.reason}`] as const]),
    ...(acknowledged === undefined
      ? []
      : [['accepted', `by ${acknowledged.by}, ${ago(acknowledged.at)}: ${acknowledged.reason}`] as const]),
  ];
  const bad = failure === undefined ? [] : [`found bad ${ago(failure.at)}`, ...failure.findings];
  const incomplete = entry.isVerified ? [] : ['not whole: what its manifest names is not there as it says'];
  return [
    paint('bold', entry.id),
    ...definitions(
      facts.map(([term, text]) => [term, printable(text)]),
      { columns },
    ),
    ...(isVerified
      ? []
      : [...incomplete, ...bad]
          .flatMap((line) => hanging('  ', printable(line), columns))
          .map((line) => paint('red', line))),
  ];
}

function manifestLines({ entry: { manifest }, acknowledged }: Standing, page: Page): readonly string[] {
  if (manifest === undefined) return ['', 'Its manifest is missing or cannot be read.'];
  const { anomalies, excluded, warnings } = manifest;
  return [
    ...originLines(manifest, page),
    ...tableLines(manifest, page),
    ...list('Not in it', excluded, page),
    ...list('pg_dump said', warnings, page),
    ...list(
      acknowledged === undefined ? 'Odd' : 'Odd, and acknowledged',
      anomalies.map(({ message, isSuspicious }) => `${message}${isSuspicious ? ' (suspicious)' : ''}`),
      page,
    ),
  ];
}

function originLines(manifest: Manifest, { columns }: Page): readonly string[] {
  const { server, database, snapshot, tools, artifacts, encryption } = manifest;
  const facts: readonly (readonly [string, string])[] = [
    [
      'database',
      `${database} of PostgreSQL ${server.version}${server.isStandby ? ', a standby' : ''}, ${server.encoding}`,
    ],
    ['as it was', snapshot.takenAt],
    ['made with', `${tools.pgDump}, ${tools.zstd}`],
    ...(encryption === undefined ? [] : [['encrypted', `to ${encryption.recipients.join(', ')}`] as const]),
    ...artifacts.map(
      ({ path, bytes, codec }) => ['file', `${path}, ${formatBytes(bytes)} (${codec.join(', ')})`] as const,
    ),
  ];
  return [
    '',
    ...definitions(
      facts.map(([term, text]) => [term, printable(text)]),
      { columns },
    ),
  ];
}

function tableLines({ tables }: Manifest, { columns }: Page): readonly string[] {
  const all = Object.entries(tables).toSorted(([a, { rows: m }], [b, { rows: n }]) => n - m || (a < b ? -1 : 1));
  const sum = all.reduce((total, [, { rows }]) => total + rows, 0);
  const shown = all.slice(0, SHOWN_TABLES);
  const width = Math.max(0, ...shown.map(([, { rows }]) => formatCount(rows).length));
  const more = all.length - shown.length;
  return [
    '',
    `${plural(all.length, 'table')}, ${plural(sum, 'row')}${more > 0 ? '; those with the most rows:' : ''}`,
    ...shown.flatMap(([name, { rows }]) =>
      hanging(`  ${formatCount(rows).padStart(width)}  `, printable(name), columns),
    ),
    ...(more > 0 ? [`  and ${formatCount(more)} more`] : []),
  ];
}

function list(title: string, lines: readonly string[], { columns }: Page): readonly string[] {
  if (lines.length === 0) return [];
  return ['', `${title}:`, ...lines.flatMap((line) => hanging('  ', printable(redacted(line)), columns))];
}

function receiptLines(receipts: readonly Receipt[], { columns }: Page): readonly string[] {
  if (receipts.length === 0) return ['', 'Receipts: none'];
  const lines = receipts.map(({ number, at, kind, copy, verdict, host, ...facts }) => {
    const details = ['level', 'by', 'reason', 'summary'].flatMap((key) => {
      const value = facts[key];
      return typeof value === 'string' && value !== '' ? [value] : [];
    });
    return [
      `${number}`,
      `${at.slice(0, 16)}Z  ${kind} ${verdict} (${copy}, on ${host})${details.map((each) => `, ${each}`).join('')}`,
    ] as const;
  });
  return [
    '',
    'Receipts:',
    ...definitions(
      lines.map(([term, text]) => [term, printable(text)]),
      { columns },
    ),
  ];
}
