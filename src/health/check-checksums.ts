import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { plural } from '../base/units.ts';
import { done, fail, skip, type Outcome } from '../engine/outcome.ts';
import { defineCheck } from './check.ts';

export const checksumsCheck = defineCheck({
  id: 'checksums',
  dimension: 'data',
  alertClass: 'page',
  impact: 'pages on disk are damaged, and rows may be lost',
  measures: 'number of damaged pages that the server has read',
  fails: 'one or more',
  settings: {},
  questions: () => [{ title: 'checksums', ask: (database) => checkChecksums(database) }],
});

/** What the server counted in one database; null where it does not count. */
interface ChecksumRow {
  /** Null for what all databases share. */
  readonly database: string | null;
  readonly failures: number | null;
  /** ISO instant. */
  readonly lastFailure: string | null;
}

/**
 * Looks whether the server read a page that is not what it once wrote.
 * @see https://www.postgresql.org/docs/current/checksums.html
 * @throws MaintError when the database does not answer
 */
async function checkChecksums(database: Reader): Promise<Outcome> {
  return judgeChecksums(await database.rows(CHECKSUMS), database.name);
}

function judgeChecksums(rows: readonly ChecksumRow[], subject: string): Outcome {
  const counted = rows.filter(({ failures }) => failures !== null);
  if (counted.length === 0) return skip('data checksums are switched off, so the server cannot notice damaged pages');
  const total = counted.reduce((sum, { failures }) => sum + (failures ?? 0), 0);
  const damaged = counted.filter(({ failures }) => (failures ?? 0) > 0);
  const extras: Parameters<typeof done>[1] = {
    facts: { failures: total, damaged: damaged.map((row) => ({ ...row })) },
    samples: [{ name: 'checksums.failures', subject, value: total, unit: 'count' }],
  };
  if (total === 0) return done('no damaged page was read', extras);
  const where = damaged.map(({ database, lastFailure }) => `${database ?? 'shared tables'} (last at ${lastFailure})`);
  return fail(`${plural(total, 'damaged page')} read: ${where.join(', ')}`, REMEDIATION, extras);
}

const REMEDIATION = [
  'On the database host: grep "page verification failed" in the log of the server, and look at the disk: dmesg -T | grep -i error; smartctl -a <device>',
  'maint verify-backup --all # keep a backup from before the damage, and let none expire',
  'Fail over to a healthy standby, or restore the damaged relation from a backup; a disk that returned wrong bytes will do so again.',
  'SELECT pg_stat_reset(); -- in the named database, once it is repaired: sets the count to zero',
];

const CHECKSUMS = sql<ChecksumRow>`
  SELECT datname AS database,
         checksum_failures::float8 AS failures,
         to_char(checksum_last_failure AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS "lastFailure"
    FROM pg_stat_database
   ORDER BY checksum_failures DESC NULLS LAST, datname`;
