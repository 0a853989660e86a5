import { env as own } from 'node:process';
import { MaintError } from '../base/errors.ts';
import type { Stage } from './pipeline.ts';
import { runProgram, whichProgram } from './programs.ts';

/** As much as a socket between two programs holds at once. */
const BUFFER = '256K';
const PROBE_TIMEOUT_MS = 5_000;

const known = new Map<string, Promise<string | undefined>>();

/**
 * Lets a program read and write in large pieces. Those of PostgreSQL take 4 KiB at a time, and so wake whoever is at the
 * other end of the pipe a quarter of a million times for each gigabyte. Where `stdbuf` of coreutils is not there, or does
 * not work, the program stays as it is.
 * @param searchPath where to look for it: the PATH of the environment
 * @see https://www.gnu.org/software/coreutils/manual/html_node/stdbuf-invocation.html
 */
export async function withWideBuffers(stage: Stage, searchPath = own['PATH'] ?? ''): Promise<Stage> {
  const finding = known.get(searchPath) ?? findStdbuf(searchPath);
  known.set(searchPath, finding);
  const stdbuf = await finding;
  if (stdbuf === undefined) return stage;
  return { ...stage, file: stdbuf, args: [`--input=${BUFFER}`, `--output=${BUFFER}`, stage.file, ...stage.args] };
}

/** @returns its path; undefined where it cannot start a program without a word */
async function findStdbuf(searchPath: string): Promise<string | undefined> {
  const file = await whichProgram('stdbuf', searchPath);
  if (file === undefined) return undefined;
  try {
    const args = [`--output=${BUFFER}`, file, '--version'];
    const { stderr } = await runProgram({ file, args, timeoutMs: PROBE_TIMEOUT_MS });
    return stderr === '' ? file : undefined;
  } catch (error) {
    if (error instanceof MaintError) return undefined;
    throw error;
  }
}
