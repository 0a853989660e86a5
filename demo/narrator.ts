import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, relative } from 'node:path';
import { styleText } from 'node:util';
import { wrapped } from '../src/cli/layout.ts';
import { pause, type Stage } from './stage.ts';

/** The root of the checkout: where the door is, and where commands are run. */
export const ROOT = join(import.meta.dirname, '..');

const BEFORE_CHAPTER_MS = 2_000;
const BEFORE_COMMAND_MS = 700;
/** Of a quotation, in characters. */
const WIDTH = 110;
const KILL_AFTER_MS = 5_000;

/** The story took a turn that it should not have taken. */
export class StoryError extends Error {}

/** Tells the story: short words, commands with their real output, and whether they ended as they should. */
export interface Narrator {
  /** Opens a chapter. */
  readonly chapter: (title: string) => Promise<void>;
  readonly say: (text: string) => void;
  /** Shows what someone received. */
  readonly quote: (lines: readonly string[]) => void;
  /**
   * Runs maint through its door, its output going where ours goes.
   * @throws StoryError when it ends with another exit code than the story wants
   */
  readonly maint: (args: readonly string[], exitCode: number) => Promise<void>;
}

export function narrator(stage: Stage): Narrator {
  let chapters = 0;
  const write = (text: string): void => {
    stage.signal.throwIfAborted();
    process.stdout.write(`${text}\n`);
  };
  return {
    chapter: async (title) => {
      if (chapters > 0) await pause(stage, BEFORE_CHAPTER_MS);
      chapters += 1;
      write(`\n${styleText(['bold', 'cyan'], `${chapters}. ${title}`)}`);
    },
    say: (text) => write(text),
    quote: (lines) => {
      const width = Math.min(process.stdout.columns || WIDTH, WIDTH) - '  │ '.length;
      const shown = lines.flatMap((line) => wrapped(line, width));
      write(shown.map((line) => `${styleText('cyan', '  │')} ${line}`).join('\n'));
    },
    maint: async (args, exitCode) => {
      const command = ['node', 'bin/maint.js', ...args].join(' ');
      write(styleText('bold', `$ ${command}`));
      await pause(stage, BEFORE_COMMAND_MS);
      const actual = await runMaint(args, stage.signal);
      stage.signal.throwIfAborted();
      write(styleText('dim', `exit code ${actual}`));
      if (actual !== exitCode) throw new StoryError(`\`${command}\` ended with ${actual}, not with ${exitCode}`);
    },
  };
}

async function runMaint(args: readonly string[], signal: AbortSignal): Promise<number> {
  const door = relative(ROOT, join(ROOT, 'bin', 'maint.js'));
  const child = spawn(process.execPath, [door, ...args], {
    cwd: ROOT,
    env: demoEnvironment(),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const stop = (): void => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
  };
  signal.addEventListener('abort', stop);
  try {
    const [exitCode]: readonly unknown[] = await once(child, 'close');
    return typeof exitCode === 'number' ? exitCode : -1;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Without what would lead maint or libpq to somebody's real database. */
function demoEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:MAINT_|PG|DATABASE_URL$)/.test(name)));
}
