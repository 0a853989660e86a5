import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reportJsonSchema } from '../src/cli/report-schema.ts';
import { configJsonSchema } from '../src/config/json-schema.ts';
import type { TaskWords } from '../src/engine/words.ts';
import { checks } from '../src/health/checks.ts';
import { health } from '../src/tasks/health.ts';
import { tasks } from '../src/tasks/index.ts';
import { checksPage } from './checks-page.ts';
import { tasksPage } from './tasks-page.ts';
import { wordsOf } from './words-of.ts';

/**
 * Writes what follows from the list of tasks: their words for the command line, the reference, the schema for editors; from the list of
 * checks: their table; and from the report: the schema for programs that read it.
 * With --check it writes nothing and fails where a file is stale.
 */
const ROOT = join(import.meta.dirname, '..');

function wordsModule(words: readonly TaskWords[]): string {
  const code = `// Written by \`npm run generate\`; edit the task instead.
import type { TaskWords } from '../engine/words.ts';

/** Every task in words, in running order. */
export const taskWords: readonly TaskWords[] = ${JSON.stringify(words)};
`;
  const program = join(ROOT, 'node_modules', '.bin', 'oxfmt');
  return execFileSync(program, ['--stdin-filepath', 'words.ts'], { cwd: ROOT, input: code, encoding: 'utf8' });
}

const words = tasks.map(wordsOf);
const generated = {
  'src/tasks/words.ts': wordsModule(words),
  'docs/tasks.md': tasksPage(words),
  'docs/checks.md': checksPage(checks, wordsOf(health)),
  'config/schema.json': `${JSON.stringify(configJsonSchema(tasks), null, 2)}\n`,
  'config/report.schema.json': `${JSON.stringify(reportJsonSchema(), null, 2)}\n`,
};

function isStale([path, text]: readonly [string, string]): boolean {
  try {
    return readFileSync(join(ROOT, path), 'utf8') !== text;
  } catch {
    return true;
  }
}

const stale = Object.entries(generated).filter(isStale);
if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`${path} is stale: run \`npm run generate\``);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else for (const [path, text] of stale) writeFileSync(join(ROOT, path), text);
