import { quotedForShell } from '../../base/shell-word.ts';
import type { Reader } from '../../adapters/postgres.ts';
import { findUnfinished } from '../../backups/restore-mark.ts';
import { verdictsOf, type Check } from './check.ts';

const { warn } = verdictsOf('database');

/** Did a restore that was killed leave its half-filled database behind? */
export async function checkLeftovers(database: Reader): Promise<readonly Check[]> {
  const dead = (await findUnfinished(database)).filter(({ isDead }) => isDead);
  return dead.map(({ database: name, backup }) =>
    warn('restores', `${name} was left behind by a killed restore of backup ${backup}, half filled`, [
      `dropdb ${quotedForShell(name)}`,
      'Or drop all of them: maint restore --sweep',
    ]),
  );
}
