import { formatDuration, plural } from '../base/units.ts';
import { done, fail, warn, type Outcome } from '../engine/outcome.ts';
import type { SampleHistory } from '../engine/sample.ts';
import { DAY_MS } from '../base/units.ts';
import type { Manifest } from './manifest.ts';
import type { BackupEntry } from './repository.ts';
import type { RestoreFinding } from './restore-checks.ts';
import type { Rehearsal } from './restore-rehearsal.ts';
import type { Picked } from './restore-turn.ts';
import { rtoTrend } from './rto-trend.ts';

/** What a restore must not be slower or older than, in milliseconds; undefined where anything goes. */
interface Targets {
  readonly rto?: number | undefined;
  readonly rpo?: number | undefined;
}

/** A restore test that came to its end. */
export interface Tried {
  readonly entry: BackupEntry;
  readonly manifest: Manifest;
  readonly picked: Picked;
  readonly label: string;
  readonly targets: Targets;
  /** How many questions were asked. */
  readonly assertions: number;
  readonly rehearsal: Rehearsal;
}

/** How far back restores say what is usual. */
const TREND_MS = 550 * DAY_MS;

/** What a restore test comes to: the findings, the targets, and what the trend of the recovery time foretells. */
export function rehearsalOutcome(tried: Tried, history: SampleHistory, now: Date): Outcome {
  const { entry, picked, label, targets } = tried;
  const measured = measure(tried, now);
  const findings = [...tried.rehearsal.findings, ...lateness(measured, picked, targets)];
  const warnings = [
    ...rtoTrend({
      earlier: history.samples('restore.rto', label, new Date(now.getTime() - TREND_MS)),
      newest: { at: now, value: measured.rtoSeconds },
      limitMs: targets.rto,
    }),
    ...picked.unreachable.map((line) => ({
      detail: 'copy.unreachable',
      message: `not every copy had its turn: ${line}`,
    })),
  ];
  const extras = extrasOf(tried, measured, [...findings, ...warnings]);
  const [first] = findings;
  if (first !== undefined) return broken(entry, findings, { ...extras, detail: first.detail });
  const summary = goodSummary(tried, measured);
  const [warning] = warnings;
  if (warning === undefined) return done(summary, extras);
  return warn(`${summary}; but ${warning.message}`, [adviceFor(warning)], { ...extras, detail: warning.detail });
}

interface Measured {
  readonly rtoSeconds: number;
  readonly rpoSeconds: number;
}

function measure({ rehearsal: { seconds }, manifest }: Tried, now: Date): Measured {
  return {
    rtoSeconds: seconds.cluster + seconds.load + seconds.indexes + seconds.checks,
    rpoSeconds: Math.max(0, now.getTime() - Date.parse(manifest.snapshot.takenAt)) / 1_000,
  };
}

/** Only the newest backup says how much would be lost. */
function lateness(
  { rtoSeconds, rpoSeconds }: Measured,
  { age }: Picked,
  { rto, rpo }: Targets,
): readonly RestoreFinding[] {
  const over = (what: 'rto' | 'rpo', seconds: number, words: string): readonly RestoreFinding[] => {
    const limitMs = { rto, rpo }[what];
    if (limitMs === undefined || seconds * 1_000 <= limitMs) return [];
    const message = `${words} ${formatDuration(seconds * 1_000)}, at most ${formatDuration(limitMs)} is allowed`;
    return [{ detail: `${what}.exceeded`, message }];
  };
  return [
    ...over('rto', rtoSeconds, 'the restore took'),
    ...(age === 'newest' ? over('rpo', rpoSeconds, 'what it holds is as old as') : []),
  ];
}

function extrasOf(tried: Tried, { rtoSeconds, rpoSeconds }: Measured, said: readonly RestoreFinding[]) {
  const { entry, manifest, picked, label, rehearsal, assertions } = tried;
  const tables = Object.values(manifest.tables);
  const sample = (name: string, value: number) => ({ name, subject: label, value, unit: 'seconds' as const });
  return {
    facts: {
      id: entry.id,
      folder: entry.location,
      copy: entry.store.name,
      age: picked.age,
      tables: tables.length,
      rows: tables.reduce((sum, { rows }) => sum + rows, 0),
      rtoSeconds,
      rpoSeconds,
      seconds: rehearsal.seconds,
      serverMajor: rehearsal.serverMajor,
      ...(rehearsal.recipient !== undefined && { recipient: rehearsal.recipient }),
      placeholders: rehearsal.placeholders,
      amcheck: rehearsal.isAmchecked,
      schema: rehearsal.isSchemaCompared,
      assertions,
      findings: said.map(({ detail, message }) => ({ detail, message })),
    },
    samples: [
      sample('restore.rto', rtoSeconds),
      ...(picked.age === 'newest' ? [sample('restore.rpo', rpoSeconds)] : []),
      ...Object.entries(rehearsal.seconds).map(([phase, value]) => sample(`restore.${phase}`, value)),
    ],
  };
}

function goodSummary({ entry, manifest, rehearsal, assertions }: Tried, { rtoSeconds }: Measured): string {
  const tables = Object.values(manifest.tables);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const from = entry.store.name === 'local' ? '' : ` from ${entry.store.name}`;
  const into = rehearsal.serverMajor === manifest.server.major ? '' : ` into PostgreSQL ${rehearsal.serverMajor}`;
  const asked = assertions === 0 ? '' : `, ${plural(assertions, 'assertion')} held`;
  const size = `${plural(tables.length, 'table')}, ${plural(rows, 'row')}`;
  return `${entry.id}${from} restored${into} in ${formatDuration(rtoSeconds * 1_000)}: ${size}, all as backed up${asked}`;
}

function broken(entry: BackupEntry, findings: readonly RestoreFinding[], extras: Parameters<typeof fail>[2]): Outcome {
  const [first] = findings;
  const more = findings.length > 1 ? ` (and ${plural(findings.length - 1, 'more finding')})` : '';
  return fail(
    `${entry.id}: ${first?.message ?? ''}${more}`,
    [
      'maint verify-backup --all',
      'maint restore-test --pick oldest',
      `Read docs/runbooks/restore.md; keep ${entry.location} until it is understood what is wrong with it.`,
    ],
    extras,
  );
}

function adviceFor({ detail }: RestoreFinding): string {
  if (detail === 'copy.unreachable') return 'Check the copy under backups.copies, and run `maint restore-test` again.';
  return 'Restore with more jobs or on faster disks, prune what need not be kept, or agree on a later target.';
}
