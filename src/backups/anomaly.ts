import { z } from 'zod';
import { formatBytes, formatCount, plural } from '../base/units.ts';
import type { Anomaly, Manifest } from './manifest.ts';

const share = z.number().gt(0).max(1);

/** When fewer rows than usual are worth a word. */
export const anomalySettings = z
  .strictObject({
    warnAt: share.default(0.2).describe('Share of its usual rows that a table must have lost for a warning'),
    suspectAt: share
      .default(0.5)
      .describe(
        'The same for a suspicious backup: it is kept and flagged, and nothing expires until it is acknowledged',
      ),
    minRows: z.int().positive().default(100).describe('Tables that usually have fewer rows are not looked at'),
    ignore: z
      .array(z.string().min(1))
      .default([])
      .describe('Tables that may shrink as they like, such as `public.jobs`; `*` stands for anything'),
  })
  .refine(({ warnAt, suspectAt }) => warnAt <= suspectAt, {
    path: ['warnAt'],
    message: 'must not be above suspectAt',
  });

/** When fewer rows than usual are worth a word. */
export type AnomalySettings = z.output<typeof anomalySettings>;

/** So many backups say what is usual. */
const USUAL_BACKUPS = 7;
/** Below this, what a dump needs for its own sake outweighs the data. */
const MIN_BYTES = 2 ** 20;
/** Rows that come and go by chance vary by about the root of their number; so many times that is no chance any more. */
const DEVIATIONS = 4;
/** Tells a folder of files from a table, whose name has a dot and no blank before it. */
const FILES_OF = 'files of ';

/**
 * Picks the backups that say what is usual: the newest seven that were not suspicious. Acknowledging a suspicious one
 * says that things are now as they are in it, so it counts, and what is older than it does not any more.
 * @param earlier verified ones, in any order
 * @param acknowledged ids
 * @returns newest first
 */
export function usualBackups(earlier: readonly Manifest[], acknowledged: ReadonlySet<string>): readonly Manifest[] {
  const trusted = newestFirst(earlier).filter((backup) => !isSuspicious(backup) || acknowledged.has(backup.id));
  const reset = trusted.findIndex(isSuspicious);
  return trusted.slice(0, reset === -1 ? USUAL_BACKUPS : Math.min(USUAL_BACKUPS, reset + 1));
}

/** Was a backup flagged when it was taken? */
export function isSuspicious({ anomalies }: Manifest): boolean {
  return anomalies.some((anomaly) => anomaly.isSuspicious);
}

/**
 * Holds the rows of each table, and the bytes of the dump, against the median of the backups that say what is usual.
 * Only losses count: new tables and more rows are never an anomaly.
 *
 * A table counts from `minRows` on. Rows that come and go by chance vary by about the root of their number: of 100 rows,
 * losing half is five such deviations, and of fewer it may well be an ordinary day. For the same reason a warning needs
 * four of them, which is more than `warnAt` for tables below 400 rows.
 *
 * Partitions come and go, so a partitioned table is judged by the sum of its partitions. A table that is gone while others
 * live on whose names differ in digits only (`log_2026_10` of `log_2026_11`) is taken for a partition made by hand: the sum
 * of all of them is judged instead of its end.
 * @param usual as `usualBackups` picks them
 * @returns the suspicious ones first
 */
export function findAnomalies(
  manifest: Manifest,
  usual: readonly Manifest[],
  settings: AnomalySettings,
): readonly Anomaly[] {
  if (usual.length === 0) return [];
  const backups = newestFirst(usual);
  const rootOf = rootsOf([manifest, ...backups]);
  const now = rowsByTable(manifest, rootOf);
  const before = backups.map((backup) => rowsByTable(backup, rootOf));
  const isIgnored = matcher(settings.ignore);
  const rows = judgedRows(now, before)
    .filter(({ table }) => !isIgnored(table))
    .flatMap((judged) => judgeRows(judged, settings));
  return [...rows, ...judgeBytes(manifest, backups, settings)].toSorted(
    (a, b) => Number(b.isSuspicious) - Number(a.isSuspicious),
  );
}

/** Rows by table, a partitioned one counting as one. */
type Rows = ReadonlyMap<string, number>;

interface Judged {
  readonly table: string;
  /** Undefined where the table is gone. */
  readonly rows: number | undefined;
  readonly usual: number;
}

/** Everything that can be held against what was usual: the tables that are there, those that are gone, and families. */
function judgedRows(now: Rows, before: readonly Rows[]): readonly Judged[] {
  const usualOf = (table: string): number => median(before.flatMap((rows) => rows.get(table) ?? []));
  const gone = [...(before[0]?.keys() ?? [])].filter((table) => !now.has(table));
  const survivors = new Set([...now.keys()].map(familyOf));
  const families = new Set(gone.map(familyOf).filter((family) => family.includes('*') && survivors.has(family)));
  return [
    ...[...now].map(([table, rows]) => ({ table, rows, usual: usualOf(table) })),
    ...gone
      .filter((table) => !families.has(familyOf(table)))
      .map((table) => ({ table, rows: undefined, usual: usualOf(table) })),
    ...[...families].map((family) => ({
      table: family,
      rows: sumOf(family, now),
      usual: median(before.map((rows) => sumOf(family, rows))),
    })),
  ];
}

function judgeRows({ table, rows, usual }: Judged, settings: AnomalySettings): readonly Anomaly[] {
  if (usual < settings.minRows) return [];
  const lost = lossOf(rows ?? 0, usual);
  const isSuspicious = lost >= settings.suspectAt;
  if (!isSuspicious && lost < Math.max(settings.warnAt, DEVIATIONS / Math.sqrt(usual))) return [];
  const before = Math.round(usual);
  const unit = table.startsWith(FILES_OF) ? 'file' : 'row';
  const message =
    rows === undefined
      ? `${table} is gone, it had ${plural(before, unit)}`
      : `${table} has ${plural(rows, unit)}, ${formatCount(before)} were usual (${percent(lost)})`;
  return [{ detail: 'anomaly.rows', table, message, isSuspicious }];
}

function judgeBytes(
  manifest: Manifest,
  before: readonly Manifest[],
  { warnAt, suspectAt }: AnomalySettings,
): readonly Anomaly[] {
  const bytes = dumpBytes(manifest);
  const usual = median(before.map(dumpBytes));
  const lost = lossOf(bytes, usual);
  if (usual < MIN_BYTES || lost < warnAt) return [];
  const message = `the dump has ${formatBytes(bytes)}, ${formatBytes(usual)} were usual (${percent(lost)})`;
  return [{ detail: 'anomaly.bytes', table: null, message, isSuspicious: lost >= suspectAt }];
}

/** Share that is lost, rounded so that 80 of 100 has lost 0.2 and not a hair less. */
function lossOf(value: number, usual: number): number {
  return Math.round((1 - value / usual) * 1e9) / 1e9;
}

function percent(lost: number): string {
  return `-${Math.floor(lost * 100)} %`;
}

/** What the dump itself takes; files of the application come and go with settings. */
function dumpBytes({ artifacts }: Manifest): number {
  return artifacts.filter(({ path }) => path.startsWith('data.')).reduce((sum, { bytes }) => sum + bytes, 0);
}

function newestFirst(backups: readonly Manifest[]): readonly Manifest[] {
  return backups.toSorted((a, b) => Date.parse(b.snapshot.takenAt) - Date.parse(a.snapshot.takenAt));
}

/** Which partitioned table a table belongs to, from whichever backup knows. */
function rootsOf(backups: readonly Manifest[]): (table: string) => string {
  const roots = new Map<string, string>();
  for (const { tables } of backups)
    for (const [name, { partitionOf, loadedInto }] of Object.entries(tables)) {
      const root = partitionOf ?? loadedInto;
      if (root !== undefined && !roots.has(name)) roots.set(name, root);
    }
  return (table) => roots.get(table) ?? table;
}

/** The folders of files count too, each as one more table. */
function rowsByTable({ tables, fileSets = [] }: Manifest, rootOf: (table: string) => string): Rows {
  const sums = new Map<string, number>();
  for (const [name, { rows }] of Object.entries(tables)) sums.set(rootOf(name), (sums.get(rootOf(name)) ?? 0) + rows);
  for (const { name, files, fault } of fileSets) if (fault === null) sums.set(`${FILES_OF}${name}`, files);
  return sums;
}

/** A name with its digits blotted out, as `public.log_*_*`; one without digits is nobody's relative. */
function familyOf(table: string): string {
  return table.replaceAll(/\d+/g, '*');
}

function sumOf(family: string, rows: Rows): number {
  return [...rows].reduce((sum, [table, count]) => (familyOf(table) === family ? sum + count : sum), 0);
}

/** Does a name fit one of the patterns? */
function matcher(patterns: readonly string[]): (table: string) => boolean {
  const all = patterns.map((pattern) => new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 's'));
  return (table) => all.some((pattern) => pattern.test(table));
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? 0;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? 0) + upper) / 2 : upper;
}
