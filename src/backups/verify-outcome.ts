import { formatBytes, formatDuration, plural } from '../base/units.ts';
import { done, fail, type Outcome } from '../engine/outcome.ts';
import type { BackupEntry } from './repository.ts';
import type { Verification } from './verify.ts';

/** A backup that was looked at. */
export interface Looked {
  readonly entry: BackupEntry;
  readonly label: string;
  /** How deep. */
  readonly level: string;
  /** Undefined where any age will do. */
  readonly maxAgeMs: number | undefined;
  readonly now: Date;
}

/** What a verification comes to: every finding counts, then the age. */
export function verifyOutcome(looked: Looked, verification: Verification): Outcome {
  return verification.findings.length > 0 ? bad(looked, verification) : good(looked, verification);
}

/** That there is none at all is the worst that can be wrong with a backup. */
export function noBackup(label: string, place: string): Outcome {
  return fail(`there is no backup of ${label} in ${place}`, ['maint backup', 'maint history'], {
    detail: 'backup.none',
  });
}

function bad({ entry, level }: Looked, { findings }: Verification): Outcome {
  const [first] = findings;
  const more = findings.length > 1 ? ` (and ${plural(findings.length - 1, 'more finding')})` : '';
  return fail(
    `${entry.id}: ${first?.message ?? ''}${more}`,
    [
      'maint verify-backup --all',
      'maint backup',
      `Keep ${entry.location} until it is understood what changed it; do not restore from it.`,
    ],
    {
      facts: {
        id: entry.id,
        folder: entry.location,
        copy: entry.store.name,
        level,
        findings: findings.map(({ detail, message }) => ({ detail, message })),
      },
      ...(first !== undefined && { detail: first.detail }),
    },
  );
}

const PROVEN: Readonly<Record<string, string>> = {
  present: 'is there in its length',
  checksum: 'is what was written',
  decode: 'is whole',
  restore: 'can be restored',
};

function good({ entry, label, level, maxAgeMs, now }: Looked, { bytes, rows, tables }: Verification): Outcome {
  const ageMs = Math.max(0, now.getTime() - entry.startedAt.getTime());
  const ageSeconds = Math.round(ageMs / 1_000);
  const facts = {
    id: entry.id,
    folder: entry.location,
    copy: entry.store.name,
    level,
    bytes,
    rows,
    tables,
    ageSeconds,
  };
  const samples = [{ name: 'backup.age', subject: label, value: ageMs / 1_000, unit: 'seconds' as const }];
  if (maxAgeMs !== undefined && ageMs > maxAgeMs)
    return fail(
      `the newest backup is ${formatDuration(ageMs)} old, at most ${formatDuration(maxAgeMs)} is allowed`,
      ['maint history', 'maint backup', 'Look why no later backup was taken: cron, the log of maint, the server.'],
      { facts, samples, detail: 'backup.stale' },
    );
  const size = `${formatBytes(bytes)}, ${plural(tables, 'table')}, ${plural(rows, 'row')}`;
  return done(`${entry.id} ${PROVEN[level] ?? 'is whole'}: ${size}, ${formatDuration(ageMs)} old`, { facts, samples });
}
