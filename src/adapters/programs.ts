import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import type { ExecaError } from 'execa';
import { MaintError } from '../base/errors.ts';
import { printableLines } from '../base/printable.ts';
import { programEnvironment, type Given, type ProgramKind } from './program-environment.ts';

/** One call of a foreign program whose output is small. Streams of data go through `pipeline.ts`. */
export interface ProgramRequest {
  /** Name on the PATH, or absolute path. */
  readonly file: string;
  /** Never a secret: every user of the machine can read argv. */
  readonly args: readonly string[];
  /** What it gets by name; secrets are revealed only here. */
  readonly env?: Given;
  /** What it gets besides; `stock` where nothing is said. */
  readonly kind?: ProgramKind;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly cwd?: string;
  /** For its stdin. */
  readonly input?: string | Uint8Array;
  /** The user to run it as; only root may name another. */
  readonly account?: { readonly uid: number; readonly gid: number };
}

export interface ProgramOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** Between the polite signal and the impolite one. */
const KILL_AFTER_MS = 10_000;
const OUTPUT_LIMIT_BYTES = 16 * 2 ** 20;

/**
 * Runs a program to its end and returns what it printed.
 * @throws MaintError PROGRAM_MISSING, PROGRAM_FAILED (with the last lines it printed on stderr), TIMED_OUT, CANCELLED
 */
export async function runProgram(request: ProgramRequest): Promise<ProgramOutput> {
  const { execa, ExecaError } = await loadExeca();
  try {
    const { stdout, stderr } = await execa(request.file, request.args, optionsOf(request));
    return { stdout, stderr };
  } catch (error) {
    throw error instanceof ExecaError ? translate(error, request) : error;
  }
}

/**
 * As `runProgram`, for output of which each byte counts: nothing is decoded, and the last line break stays.
 * @throws MaintError as `runProgram`
 */
export async function runProgramForBytes(request: ProgramRequest): Promise<Buffer> {
  const { execa, ExecaError } = await loadExeca();
  try {
    const { stdout } = await execa(request.file, request.args, {
      ...optionsOf(request),
      encoding: 'buffer',
      stripFinalNewline: false,
    });
    return Buffer.from(stdout);
  } catch (error) {
    throw error instanceof ExecaError ? translate(error, request) : error;
  }
}

/** How a program ended, whatever it says about itself. */
export interface ProgramEnd extends ProgramOutput {
  readonly exitCode: number;
}

/**
 * As `runProgram`, for programs whose exit code is an answer: any that a program gives itself is returned.
 * @throws MaintError PROGRAM_MISSING, PROGRAM_FAILED where a signal ended it, TIMED_OUT, CANCELLED
 */
export async function runProgramToEnd(request: ProgramRequest): Promise<ProgramEnd> {
  const { execa, ExecaError } = await loadExeca();
  try {
    const { stdout, stderr } = await execa(request.file, request.args, optionsOf(request));
    return { stdout, stderr, exitCode: 0 };
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    if (error.exitCode === undefined || error.timedOut || error.isCanceled) throw translate(error, request);
    return { stdout: textOf(error.stdout), stderr: textOf(error.stderr), exitCode: error.exitCode };
  }
}

/** More than a hundred modules, which a run that starts no program need not read. */
export async function loadExeca() {
  return import('execa');
}

function optionsOf(request: ProgramRequest) {
  return {
    env: programEnvironment(request.kind ?? 'stock', request.env),
    extendEnv: false,
    timeout: request.timeoutMs,
    forceKillAfterDelay: KILL_AFTER_MS,
    // A grandchild that keeps the pipes open must not keep us waiting.
    killDescendants: true,
    maxBuffer: OUTPUT_LIMIT_BYTES,
    stripFinalNewline: true,
    ...(request.input === undefined ? { stdin: 'ignore' as const } : { input: request.input }),
    ...(request.cwd !== undefined && { cwd: request.cwd }),
    ...request.account,
    ...(request.signal !== undefined && { cancelSignal: request.signal }),
  } as const;
}

/**
 * Looks a program up as a shell would.
 * @param searchPath the PATH of the environment
 * @returns its absolute path; undefined when it is nowhere
 */
export async function whichProgram(name: string, searchPath: string | undefined): Promise<string | undefined> {
  for (const directory of (searchPath ?? '/usr/bin:/bin').split(delimiter)) {
    const path = join(directory, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (directory !== '' && isThere) return path;
  }
  return undefined;
}

/** The last lines a program printed, which is where it says why it ended; control characters removed. */
export function lastLines(text: string, count = 5): string {
  return printableLines(text.trimEnd()).split('\n').slice(-count).join('; ');
}

function translate(error: ExecaError, request: ProgramRequest): MaintError {
  const name = basename(request.file);
  if (error.code === 'ENOENT' || error.code === 'EACCES')
    return new MaintError('PROGRAM_MISSING', `${request.file} was not found or cannot be executed`, { cause: error });
  if (error.isCanceled) return new MaintError('CANCELLED', `${name} was stopped`, { cause: error });
  if (error.timedOut)
    return new MaintError('TIMED_OUT', `${name} did not end within ${request.timeoutMs} ms`, { cause: error });
  const end = error.signal === undefined ? `exit code ${error.exitCode ?? '?'}` : `signal ${error.signal}`;
  const said = lastLines(textOf(error.stderr));
  return new MaintError('PROGRAM_FAILED', `${name} ended with ${end}${said === '' ? '' : `: ${said}`}`, {
    cause: error,
  });
}

function textOf(output: unknown): string {
  if (output instanceof Uint8Array) return Buffer.from(output).toString();
  return typeof output === 'string' ? output : '';
}
