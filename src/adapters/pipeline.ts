import { Readable, type Writable } from 'node:stream';
import { MaintError } from '../base/errors.ts';
import { programEnvironment, type Given, type ProgramKind } from './program-environment.ts';
import { lastLines, loadExeca } from './programs.ts';
import { writePiece, type UsedUp } from './write-piece.ts';

/** One program of a pipeline. */
export interface Stage {
  /** How messages call it: `pg_dump`. */
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  /** Never a secret: every user of the machine can read argv. */
  readonly args: readonly string[];
  /** What it gets by name; secrets are revealed only here. */
  readonly env?: Given;
  /** What it gets besides; `stock` where nothing is said. */
  readonly kind?: ProgramKind;
}

/** How one program of a pipeline ended. */
export interface StageEnd {
  readonly name: string;
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** The last 64 KiB it printed on stderr. */
  readonly stderr: string;
}

/**
 * Programs that run at the same time, each writing into the next through a descriptor of its own: what they hand on
 * never passes through maint. Disposing kills what still runs.
 */
export interface Pipeline extends AsyncDisposable {
  /** What goes into the first program; undefined when it reads nothing. */
  readonly input: Writable | undefined;
  /** What comes out of the last program; nothing where that goes into a file. */
  readonly output: Readable;
  /** How each ended, in order, once all have ended. Never rejects. */
  readonly ended: Promise<readonly StageEnd[]>;
}

interface PipelineRequest {
  readonly stages: readonly Stage[];
  /** `written` gives `Pipeline.input`. */
  readonly input: 'none' | 'written';
  /** An open file that the last one writes into; `Pipeline.output` where undefined. */
  readonly output?: Writable;
  /** Aborting it stops all programs. */
  readonly signal: AbortSignal;
}

/** Between the polite signal and the impolite one. */
const KILL_AFTER_MS = 5_000;
const STDERR_LIMIT = 64 * 2 ** 10;

/**
 * Starts a pipeline. When maint dies, even by kill -9, its programs die with it: nobody reads the last one any more, so
 * SIGPIPE ends it, and then the one before.
 * @throws MaintError PROGRAM_MISSING when a program cannot be started
 */
export async function startPipeline({ stages, input, output: file, signal }: PipelineRequest): Promise<Pipeline> {
  const { execa } = await loadExeca();
  signal.throwIfAborted();
  const running: Running[] = [];
  // The last starts first, for a program needs the descriptor of the one that it writes into.
  for (const [index, stage] of [...stages.entries()].toReversed()) {
    const next = running[0];
    const stdin = index === 0 && input === 'none' ? 'ignore' : 'pipe';
    const started = start(execa, stage, { stdin, stdout: next?.stdin ?? file ?? 'pipe' });
    running.unshift(started);
    // This copy must go, or the next program would wait for its end for ever.
    next?.stdin?.destroy();
    if (started.pid === undefined) {
      await stop(running);
      throw new MaintError('PROGRAM_MISSING', `${stage.file} was not found or cannot be executed`);
    }
  }
  const onAbort = (): void => void stop(running);
  signal.addEventListener('abort', onAbort, { once: true });
  const ended = Promise.all(running.map(({ ended }) => ended)).finally(() =>
    signal.removeEventListener('abort', onAbort),
  );
  const output = running.at(-1)?.stdout ?? (file === undefined ? undefined : Readable.from([]));
  if (output === undefined) throw new Error('a pipeline needs at least one program');
  return {
    input: input === 'written' ? running[0]?.stdin : undefined,
    output,
    ended,
    [Symbol.asyncDispose]: () => stop(running),
  };
}

/**
 * Writes into the first program as fast as it reads. When it stops reading, the source is read to its end all the same.
 * @param usedUp told of each piece that nobody needs any more
 * @throws what the source throws; the program has come to its end then, too
 */
export async function feed(input: Writable, source: AsyncIterable<Buffer>, usedUp?: UsedUp): Promise<void> {
  try {
    let previous = Promise.resolve();
    for await (const piece of source) {
      const earlier = previous;
      // A program that stops reading is found out by how it ends.
      previous = input.destroyed ? earlier : writePiece(input, piece, usedUp).catch(ignoreBroken);
      // While one piece is read by the program the next one is made.
      await earlier;
    }
    await previous;
    input.end();
  } catch (error) {
    // Else the program would wait for the rest for ever, and whoever waits for its end with it.
    input.destroy();
    throw error;
  }
}

/**
 * Checks how the programs of a pipeline ended.
 * @throws MaintError PROGRAM_FAILED that names each failed stage, the cause first, with what it said
 */
export function checkStages(ends: readonly StageEnd[]): void {
  const [first, ...others] = failedStages(ends);
  if (first === undefined) return;
  throw new MaintError('PROGRAM_FAILED', [first, ...others].map(describeEnd).join('; '), {
    detail: `stage_failed.${first.name}`,
  });
}

/**
 * The program that is to blame where a pipeline did not get on with its input.
 * @returns undefined where all went well
 * @throws MaintError PROGRAM_FAILED where one was killed, for that says nothing about the input
 */
export function stageAtFault(ends: readonly StageEnd[]): StageEnd | undefined {
  const failed = failedStages(ends);
  if (failed.some((end) => end.signal !== undefined && !isBrokenPipe(end))) checkStages(failed);
  return failed[0];
}

/** A program that lost its reader is a consequence, not a cause, and comes last. */
function failedStages(ends: readonly StageEnd[]): readonly StageEnd[] {
  return ends
    .filter(({ exitCode }) => exitCode !== 0)
    .toSorted((a, b) => Number(isBrokenPipe(a)) - Number(isBrokenPipe(b)));
}

/** Did it end because nobody read on? */
export function isBrokenPipe({ signal, stderr }: StageEnd): boolean {
  return signal === 'SIGPIPE' || /broken pipe|(write|output).*connection reset by peer/i.test(stderr);
}

/** One line: `zstd ended with signal SIGKILL: what it said`. */
export function describeEnd({ name, exitCode, signal, stderr }: StageEnd): string {
  const end = signal === undefined ? `exit code ${exitCode ?? '?'}` : `signal ${signal}`;
  const said = lastLines(stderr);
  return `${name} ended with ${end}${said === '' ? '' : `: ${said}`}`;
}

interface Running {
  readonly pid: number | undefined;
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly ended: Promise<StageEnd>;
  kill(): void;
}

type Execa = Awaited<ReturnType<typeof loadExeca>>['execa'];

interface Ends {
  readonly stdin: 'ignore' | 'pipe';
  readonly stdout: 'pipe' | Writable;
}

function start(execa: Execa, stage: Stage, { stdin, stdout }: Ends): Running {
  const child = execa(stage.file, stage.args, {
    stdin,
    stdout,
    stderr: 'pipe',
    buffer: false,
    reject: false,
    // Messages in English: what a program said is compared, and read by strangers at night.
    env: { ...programEnvironment(stage.kind ?? 'stock', stage.env), LC_ALL: 'C' },
    extendEnv: false,
    forceKillAfterDelay: KILL_AFTER_MS,
    // A wrapper script must not leave the real program behind, holding the pipes.
    killDescendants: true,
  });
  // The result below tells how it ended; a stream that broke off adds nothing.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.on('error', ignoreBroken);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_LIMIT);
  });
  return {
    pid: child.pid,
    stdin: child.stdin ?? undefined,
    stdout: child.stdout ?? undefined,
    ended: child.then(({ exitCode, signal }) => ({ name: stage.name, exitCode, signal, stderr })),
    kill: () => void child.kill('SIGTERM'),
  };
}

async function stop(running: readonly Running[]): Promise<void> {
  for (const program of running) program.kill();
  // Unread output would keep a program from ending.
  for (const { stdout } of running) stdout?.destroy();
  await Promise.all(running.map(({ ended }) => ended));
}

/** A stream between programs may break when one of them is stopped. */
function ignoreBroken(): void {}
