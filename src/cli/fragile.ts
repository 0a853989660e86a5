import type { World } from '../base/world.ts';

/** Places that go away with the next version, the next cleaning or the next start. */
const FRAGILE =
  /\/(\.?nvm|\.volta|\.?asdf|\.?fnm|fnm_multishells|\.?nodenv|\.?n|mise|rtx|Cellar|_npx)\/|^(\/private)?(\/var)?\/tmp\//;

/** Which of Node and the script a line of a crontab should not name: it would fail after the next upgrade. */
export function fragilePaths({ nodePath, scriptPath }: World['process']): readonly string[] {
  return [nodePath, scriptPath].filter((path) => FRAGILE.test(path));
}
