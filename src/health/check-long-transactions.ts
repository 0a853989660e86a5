import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { formatDuration } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import { holderOf, judgeHolders, readSessions, type Holder } from './open-sessions.ts';
import { ageSettings, WARNS_SOONER, warnsSooner } from './thresholds.ts';
import { defineCheck } from './check.ts';

const longTransactionsSettings = z
  .strictObject({
    ...ageSettings('a transaction has been at work', { warnAfter: '5 min', failAfter: '1 h' }),
    ignore: z
      .array(z.string().min(1))
      .default(['pg_dump'])
      .describe('Application names whose transactions may last, such as those of dumps and nightly jobs'),
  })
  .refine(warnsSooner, WARNS_SOONER);
type LongSettings = z.infer<typeof longTransactionsSettings>;

export const longTransactionsCheck = defineCheck({
  id: 'long-transactions',
  dimension: 'resources',
  alertClass: 'ticket',
  impact: 'it holds locks, and keeps VACUUM from removing dead rows',
  measures: 'age of the oldest transaction at work, seconds',
  warns: 'older than `longTransactions.warnAfter`',
  fails: 'older than `longTransactions.failAfter`',
  settings: {
    longTransactions: longTransactionsSettings.prefault({}).describe('How long a transaction may be at work'),
  },
  questions: ({ longTransactions }) => [
    { title: 'long transactions', ask: (database) => checkLongTransactions(database, longTransactions) },
  ],
});

/** A transaction that was prepared for two-phase commit; it outlives its session and every restart. */
interface PreparedRow {
  readonly gid: string;
  readonly database: string;
  readonly ageMs: number;
}

/**
 * Looks for transactions that have been at work for long, and for prepared ones that nobody came back for. Those that
 * idle are another check's.
 * @throws MaintError when the database does not answer
 */
async function checkLongTransactions(database: Reader, settings: LongSettings): Promise<Outcome> {
  const sessions = await readSessions(database);
  const prepared = await database.rows(PREPARED);
  const holders = sessions.flatMap((session) => {
    const { state, transactionMs, applicationName } = session;
    const isMeant = transactionMs !== null && !state?.startsWith('idle') && !settings.ignore.includes(applicationName);
    return isMeant ? [holderOf(session, transactionMs)] : [];
  });
  const hidden = sessions.filter(({ state }) => state === null).length;
  return judgeHolders({ holders: [...holders, ...prepared.map(preparedHolder)], hidden }, settings, {
    subject: database.name,
    sample: 'transactions.longest',
    noun: 'open transaction',
    nouns: 'open transactions',
  });
}

function preparedHolder({ gid, database, ageMs }: PreparedRow): Holder {
  const name = `prepared transaction "${gid}" in database ${database}`;
  return {
    name,
    ageMs,
    note: '',
    remedy: `ROLLBACK PREPARED '${gid.replaceAll(`'`, `''`)}'; -- in database ${database}, prepared ${formatDuration(ageMs)} ago; or COMMIT PREPARED`,
    facts: { prepared: gid, database, ageMs: Math.round(ageMs) },
  };
}

const PREPARED = sql<PreparedRow>`
  SELECT gid, database, (extract(epoch FROM clock_timestamp() - prepared) * 1000)::float8 AS "ageMs"
    FROM pg_prepared_xacts`;
