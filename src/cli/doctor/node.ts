import type { World } from '../../base/world.ts';
import { fragilePaths } from '../fragile.ts';
import { verdictsOf, type Check } from './check.ts';

/** The oldest Node.js that maint runs on, as `engines` in package.json says it. */
const OLDEST = { major: 22, minor: 18 };

/** Is the running Node.js new enough, and does it lie where cron will find it tomorrow? */
export function checkNode({ process }: World): readonly Check[] {
  const { ok, warn, fail } = verdictsOf('node');
  const { nodeVersion, nodePath } = process;
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const isNewEnough = major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
  const places = fragilePaths(process).map((path) =>
    warn('place', `${path} goes away with the next upgrade or cleaning, and every scheduled run with it`, [
      'Install it in a place that stays, such as /usr/local, and then: maint cron install',
    ]),
  );
  if (isNewEnough) return [ok('Node.js', `${nodeVersion}, ${nodePath}`), ...places];
  const needed = `${OLDEST.major}.${OLDEST.minor}`;
  return [
    fail('Node.js', `${nodeVersion} is too old, maint needs ${needed}`, [
      `Install Node.js ${needed} or newer, and use its path in the crontab.`,
    ]),
  ];
}
