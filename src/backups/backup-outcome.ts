import { formatBytes, formatDuration, plural } from '../base/units.ts';
import { done, fail, warn, type Outcome } from '../engine/outcome.ts';
import { isSuspicious } from './anomaly.ts';
import { companionConcerns, companionFacts, missingFileSets } from './companion-concerns.ts';
import { FILES } from './layout.ts';
import type { Manifest } from './manifest.ts';
import type { BackupResult } from './take-backup.ts';
import { describeWaiter, type Waiter } from './yield.ts';
import { describeDifferences } from './row-differences.ts';

type Published = Extract<BackupResult, { kind: 'published' }>;

/** Something about a good backup that a person should know. */
interface Concern {
  readonly detail: string;
  readonly summary: string;
  readonly remediation: string;
}

/**
 * Reports a backup that can be seen now, and everything about it that is not as it should be.
 * @param uncovered databases of the same server that no backup is of
 */
export function publishedOutcome(published: Published, uncovered: readonly string[]): Outcome {
  const { manifest, folder, waiters } = published;
  const extras = { facts: { ...factsOf(published), uncovered: [...uncovered] }, samples: samplesOf(manifest) };
  const size = sizeOf(manifest);
  const withoutFiles = missingFileSets(manifest, extras);
  if (withoutFiles !== undefined) return withoutFiles;
  if (isSuspicious(manifest)) return suspicious(manifest, folder, extras);
  const concerns = [
    ...warnings(manifest, folder),
    ...losses(manifest),
    ...companionConcerns(manifest),
    ...heldUp(waiters),
  ];
  const [first] = concerns;
  if (first === undefined) {
    const took = formatDuration((manifest.durations['dump'] ?? 0) * 1_000);
    const slower = manifest.tools.zstd === 'zstd' ? '' : '; the zstd program is missing, so it took longer';
    return done(`${size}, read back and counted in ${took}${slower}`, extras);
  }
  return warn(
    `${size}, read back and counted, but ${concerns.map(({ summary }) => summary).join('; ')}`,
    concerns.map(({ remediation }) => remediation),
    { ...extras, detail: first.detail },
  );
}

/**
 * A backup that began a directory anew although there were earlier ones: most often a disk that is not mounted, and then
 * what was just taken lies below the mount point. It is kept, and said once.
 */
export function inNewPlace(outcome: Outcome, directory: string): Outcome {
  const { status, summary, remediation = [], ...extras } = outcome;
  if (status === 'fail') return outcome;
  return fail(
    `${summary}; but ${directory} held no backups before, and earlier ones were taken: is its disk mounted?`,
    [
      `findmnt --target ${directory}`,
      'If the disk was not mounted: mount it, and run `maint backup` again.',
      'If the directory was moved on purpose, nothing is to be done: this is said only once.',
      ...remediation,
    ],
    { ...extras, detail: 'backup.new_place' },
  );
}

function suspicious(manifest: Manifest, folder: string, extras: Pick<Outcome, 'facts' | 'samples'>): Outcome {
  const [first, ...others] = manifest.anomalies.filter((anomaly) => anomaly.isSuspicious);
  const more = others.length === 0 ? '' : ` and ${plural(others.length, 'more anomaly', 'more anomalies')}`;
  return fail(
    `${first?.message ?? ''}${more}; the backup is kept and flagged, and nothing expires until it is acknowledged`,
    [
      `Find out where the rows went; ${folder}/${FILES.manifest} names every table with its rows.`,
      `If that is right: maint backups ack ${manifest.id} --reason 'what happened'`,
      'If not: the older backups still hold them; see them with `maint backups list`.',
    ],
    { ...extras, detail: first?.detail ?? 'anomaly.rows' },
  );
}

function sizeOf(manifest: Manifest): string {
  const { bytes, tables, rows } = totalsOf(manifest);
  const recipients = manifest.encryption?.recipients ?? [];
  const encrypted = recipients.length === 0 ? '' : `, encrypted to ${plural(recipients.length, 'key')}`;
  return `${formatBytes(bytes)}, ${plural(tables, 'table')}, ${plural(rows, 'row')}${encrypted}`;
}

function totalsOf(manifest: Manifest): { readonly bytes: number; readonly tables: number; readonly rows: number } {
  const tables = Object.values(manifest.tables);
  return {
    bytes: manifest.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0),
    tables: tables.length,
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
  };
}

function factsOf({ manifest, folder, waiters }: Published): NonNullable<Outcome['facts']> {
  return {
    id: manifest.id,
    folder,
    ...totalsOf(manifest),
    seconds: manifest.durations['dump'] ?? 0,
    recipients: manifest.encryption?.recipients ?? [],
    ...manifest.tools,
    anomalies: manifest.anomalies,
    excluded: manifest.excluded,
    ...companionFacts(manifest),
    waiters: waiters.map(({ pid, applicationName, statement, waitedMs }) => ({
      pid,
      applicationName,
      statement: statement ?? null,
      waitedSeconds: Math.round(waitedMs / 1_000),
    })),
  };
}

function samplesOf({ label, artifacts, durations }: Manifest): NonNullable<Outcome['samples']> {
  const bytes = artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  return [
    { name: 'backup.bytes', subject: label, value: bytes, unit: 'bytes' },
    { name: 'backup.seconds', subject: label, value: durations['dump'] ?? 0, unit: 'seconds' },
  ];
}

function warnings({ warnings: lines }: Manifest, folder: string): readonly Concern[] {
  const [unknown] = lines.filter(isUnknownWarning);
  if (unknown === undefined) return [];
  return [
    {
      detail: 'backup.warnings',
      summary: `pg_dump warned: ${unknown}`,
      remediation: `Read the warnings in ${folder}/${FILES.manifest} and decide whether the backup holds what you need.`,
    },
  ];
}

/** Circular foreign keys matter to dumps of data alone, which these are not. The lines behind a warning explain it. */
function isUnknownWarning(line: string): boolean {
  return /warning:|error:/i.test(line) && !/circular foreign-key constraints/.test(line);
}

function losses({ anomalies }: Manifest): readonly Concern[] {
  const [first, ...others] = anomalies;
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : ` and ${plural(others.length, 'more anomaly', 'more anomalies')}`;
  return [
    {
      detail: first.detail,
      summary: `${first.message}${more}`,
      remediation: 'Find out where the rows went, or name the table under tasks.backup.anomalies.ignore.',
    },
  ];
}

function heldUp(waiters: readonly Waiter[]): readonly Concern[] {
  const [longest, ...others] = waiters;
  if (longest === undefined) return [];
  const more = others.length === 0 ? '' : ` and ${plural(others.length, 'other')}`;
  return [
    {
      detail: 'backup.held_up',
      summary: `it held up a session for ${describeWaiter(longest)}${more}`,
      remediation:
        'Change the schema at another hour than the backup, or set tasks.backup.yield.action to abort, so that the ' +
        'backup gives way.',
    },
  ];
}

/** The dump is not what the database held: it was removed, and the older backups are as they were. */
export function refusedOutcome(result: Exclude<BackupResult, Published>): Outcome {
  if (result.kind === 'unreadable')
    return fail(
      `the dump could not be read back and was removed: ${result.message}`,
      ['Run `maint backup` again; if it happens twice, check disk and memory of this host.'],
      { detail: 'verify.undecodable' },
    );
  return fail(
    `the dump does not hold the rows of the database and was removed: ${describeDifferences(result.differences)}`,
    ['Run `maint backup` again: a TRUNCATE during the dump can cause this. If it happens twice, check the server log.'],
    {
      detail: 'verify.rows_mismatch',
      facts: {
        differences: result.differences.map((row) => ({
          table: row.table,
          expected: row.expected ?? null,
          found: row.found ?? null,
        })),
      },
    },
  );
}
