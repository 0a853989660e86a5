import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { done, fail, type Outcome } from '../engine/outcome.ts';
import { defineCheck } from './check.ts';

/** What the server must be, where someone says so. */
const roleSetting = z.enum(['primary', 'standby']);
type Role = z.infer<typeof roleSetting>;

export const databaseRoleCheck = defineCheck({
  id: 'database-role',
  dimension: 'dependencies',
  alertClass: 'page',
  impact: 'writes fail, or two primaries drift apart',
  measures: 'whether the server is a primary or a standby',
  fails: 'it is not what `expectRole` says',
  settings: { expectRole: roleSetting.optional().describe('What the server must be; not looked at where left out') },
  questions: ({ expectRole }) =>
    expectRole === undefined ? [] : [{ title: 'database role', ask: (database) => checkRole(database, expectRole) }],
});

/**
 * Looks whether the server is what it is meant to be: after a failover that nobody noticed it is not.
 * @throws MaintError when the database does not answer
 */
async function checkRole(database: Reader, expected: Role): Promise<Outcome> {
  const { isStandby } = await database.server();
  return judgeRole(isStandby ? 'standby' : 'primary', expected);
}

function judgeRole(actual: Role, expected: Role): Outcome {
  const facts = { actual, expected };
  if (actual === expected) return done(`a ${actual}, as expected`, { facts });
  return fail(`a ${actual}, but a ${expected} is expected`, REMEDIATION[expected], { facts });
}

const REMEDIATION: Readonly<Record<Role, readonly string[]>> = {
  primary: [
    'Was there a failover? Ask the other servers: SELECT pg_is_in_recovery(), pg_last_xact_replay_timestamp();',
    'Point the database URL at the primary (a standby refuses every write), or change health.expectRole when the roles were swapped on purpose.',
    'SELECT pg_promote(); -- only when the old primary is certainly stopped: two primaries part for good',
  ],
  standby: [
    'Make sure that no second primary takes writes: ask every server SELECT pg_is_in_recovery();',
    'Point the database URL at the standby, or change health.expectRole when the roles were swapped on purpose.',
  ],
};
