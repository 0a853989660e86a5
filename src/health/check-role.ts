import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { done, fail, type Outcome } from '../engine/outcome.ts';

/** What the server must be, where someone says so. */
export const roleSetting = z.enum(['primary', 'standby']);
type Role = z.infer<typeof roleSetting>;

/**
 * Looks whether the server is what it is meant to be: after a failover that nobody noticed it is not.
 * @throws MaintError when the database does not answer
 */
export async function checkRole(database: Reader, expected: Role): Promise<Outcome> {
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
