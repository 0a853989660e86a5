import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseServer } from '../demo/preflight.ts';
import { buildScene } from '../demo/scene.ts';
import { onStage } from '../demo/stage.ts';
import { runProgram } from '../src/adapters/programs.ts';
import { terminalSvg } from './terminal-svg.ts';

/**
 * Draws docs/terminal.svg: a real `maint daily` on the database of the demo, and a real `maint health` after its server
 * was stopped. Nothing in it is made up or edited: the folder has a short name, so that no path has to be replaced.
 * Run it after `npm run build`.
 */
const ROOT = join(import.meta.dirname, '..');
const FOLDER = '/tmp/pigeon';
const COLUMNS = 110;
const GREEN_DOLLAR = '\u001B[32m$\u001B[39m';

process.exitCode = await onStage({ isKept: false, folder: FOLDER }, async (stage) => {
  const server = await chooseServer(process.env['PATH']);
  const { cluster } = await buildScene(stage, { server, isKept: false });
  const good = await onTerminal('daily', 'nothing failed');
  await cluster.stop();
  const bad = await onTerminal('health', 'What to do');
  writeFileSync(join(ROOT, 'docs', 'terminal.svg'), terminalSvg(`${good}\n${bad}`.trimEnd(), COLUMNS));
  return 0;
});

/**
 * Runs maint where its maint.yaml lies. It colours only what goes to a terminal, so util-linux's `script` gives it one.
 */
async function onTerminal(command: string, expected: string): Promise<string> {
  const door = `'${process.execPath}' '${join(ROOT, 'bin', 'maint.js')}' ${command}`;
  const { stdout } = await runProgram({
    file: 'script',
    args: ['--quiet', '--command', `stty cols ${COLUMNS}; ${door}`, '/dev/null'],
    env: { TERM: 'xterm-256color', NO_COLOR: '' },
    cwd: FOLDER,
    timeoutMs: 60_000,
  });
  if (!stdout.includes(expected)) throw new Error(`\`maint ${command}\` said nothing of "${expected}":\n${stdout}`);
  return `${GREEN_DOLLAR} maint ${command}\n${stdout.replaceAll('\r\n', '\n')}\n`;
}
