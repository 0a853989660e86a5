import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import type { Outcome } from '../engine/outcome.ts';
import { holderOf, judgeHolders, readSessions } from './open-sessions.ts';
import { ageSettings, WARNS_SOONER, warnsSooner } from './thresholds.ts';
import { defineCheck } from './check.ts';

const idleInTransactionSettings = z
  .strictObject(
    ageSettings('a session has done nothing inside a transaction', { warnAfter: '5 min', failAfter: '1 h' }),
  )
  .refine(warnsSooner, WARNS_SOONER);
type IdleSettings = z.infer<typeof idleInTransactionSettings>;

export const idleInTransactionCheck = defineCheck({
  id: 'idle-in-transaction',
  dimension: 'resources',
  alertClass: 'ticket',
  impact: 'it holds locks, and keeps VACUUM from removing dead rows',
  measures: 'how long a session has done nothing inside a transaction, seconds',
  warns: 'longer than `idleInTransaction.warnAfter`',
  fails: 'longer than `idleInTransaction.failAfter`',
  settings: {
    idleInTransaction: idleInTransactionSettings.prefault({}).describe('How long a transaction may be left open'),
  },
  questions: ({ idleInTransaction }) => [
    { title: 'idle in transaction', ask: (database) => checkIdleInTransaction(database, idleInTransaction) },
  ],
});

/**
 * Looks for sessions that began a transaction and then forgot it: they hold their locks, and keep VACUUM from removing
 * what was deleted since.
 * @throws MaintError when the database does not answer
 */
async function checkIdleInTransaction(database: Reader, settings: IdleSettings): Promise<Outcome> {
  const sessions = await readSessions(database);
  const holders = sessions
    .filter(({ state }) => state?.startsWith('idle in transaction'))
    .map((session) => holderOf(session, session.stateMs ?? 0));
  const hidden = sessions.filter(({ state }) => state === null).length;
  return judgeHolders({ holders, hidden }, settings, {
    subject: database.name,
    sample: 'transactions.idle',
    noun: 'session idle in transaction',
    nouns: 'sessions idle in transaction',
  });
}
