import type { World } from '../../base/world.ts';
import { verdictsOf, type Check } from './check.ts';

/** The oldest Node.js that maint runs on, as `engines` in package.json says it. */
const OLDEST = { major: 22, minor: 18 };

/** Is the running Node.js new enough? */
export function checkNode({ process: { nodeVersion, nodePath } }: World): readonly Check[] {
  const { ok, fail } = verdictsOf('node');
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const isNewEnough = major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
  if (isNewEnough) return [ok('Node.js', `${nodeVersion}, ${nodePath}`)];
  const needed = `${OLDEST.major}.${OLDEST.minor}`;
  return [
    fail('Node.js', `${nodeVersion} is too old, maint needs ${needed}`, [
      `Install Node.js ${needed} or newer, and use its path in the crontab.`,
    ]),
  ];
}
