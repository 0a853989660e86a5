import { databaseUrl, type Connection } from '../adapters/connection.ts';
import { lastLines, runProgram } from '../adapters/programs.ts';
import { MaintError } from '../base/errors.ts';
import type { RestoreFinding } from './restore-checks.ts';

/** A program of the application that tries a restored database out. */
export interface SmokeRequest {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The restored database; the program gets it in DATABASE_URL. */
  readonly connection: Connection;
  readonly timeoutMs: number;
}

/**
 * Runs the application's own test against a restored database.
 * @returns a finding with the last lines that it printed, where it ends with anything but 0
 * @throws MaintError PROGRAM_MISSING where there is no such program, TIMED_OUT where it does not end
 */
export async function smoke(
  { command, connection, timeoutMs }: SmokeRequest,
  signal: AbortSignal,
): Promise<readonly RestoreFinding[]> {
  const [file = '', ...args] = command;
  try {
    const env = { DATABASE_URL: databaseUrl(connection) };
    await runProgram({ file, args, env, kind: 'configured', timeoutMs, signal });
    return [];
  } catch (error) {
    if (!(error instanceof MaintError) || error.code !== 'PROGRAM_FAILED') throw error;
    return [{ detail: 'restore.command_failed', message: `the command says no: ${lastLines(error.message)}` }];
  }
}
