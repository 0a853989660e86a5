import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { kill } from 'node:process';
import type { StopSignal } from '../base/world.ts';

/** A command that belongs to somebody else: it shares our streams, and nothing that it prints is looked at. */
export interface ForeignCommand {
  /** Program and arguments. */
  readonly argv: readonly string[];
  /** Undefined where it may take as long as it likes. */
  readonly timeoutMs: number | undefined;
  /** Calls back at each stop signal until the returned function is called. */
  onStopSignal(listener: (signal: StopSignal) => void): () => void;
  /** Told the process id once it runs; that is its process group too. */
  onStart(pid: number): void;
  /** Between the polite signal and the impolite one; 10 seconds unless a test asks for less. */
  readonly killAfterMs?: number;
}

/** How it ended. */
export interface ForeignEnd {
  /** As a shell would say it: that of the command, 128 and the signal's number, 126 or 127 where it could not be started. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  readonly hasTimedOut: boolean;
  /** Why it could not be started; undefined where it was. */
  readonly refused: string | undefined;
}

const KILL_AFTER_MS = 10_000;
/** How often to look whether a process group has gone. */
const LOOK_MS = 50;

/**
 * Runs a command in a process group of its own to its end. Stop signals are handed on to the whole group; after the
 * timeout the group gets SIGTERM, and SIGKILL where that did not help, so that nothing of it is left behind.
 */
export async function runForeign(command: ForeignCommand): Promise<ForeignEnd> {
  const [file = '', ...args] = command.argv;
  const child = spawn(file, args, { stdio: 'inherit', detached: true });
  const { pid } = child;
  if (pid === undefined) return refusal(child);
  command.onStart(pid);
  const off = command.onStopSignal((signal) => signalGroup(pid, signal));
  let ending: Promise<void> | undefined;
  const timer =
    command.timeoutMs === undefined
      ? undefined
      : setTimeout(
          () => {
            ending = endGroup(pid, command.killAfterMs ?? KILL_AFTER_MS);
          },
          Math.min(command.timeoutMs, 2 ** 31 - 1),
        );
  await once(child, 'exit');
  clearTimeout(timer);
  await ending;
  off();
  const { exitCode, signalCode } = child;
  return {
    exitCode: exitCode ?? 128 + (signalCode === null ? 0 : constants.signals[signalCode]),
    signal: signalCode,
    hasTimedOut: ending !== undefined,
    refused: undefined,
  };
}

/** @see https://www.gnu.org/software/bash/manual/html_node/Exit-Status.html */
async function refusal(child: ChildProcess): Promise<ForeignEnd> {
  const [error]: unknown[] = await once(child, 'error').catch((reason: unknown) => [reason]);
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return {
    exitCode: isMissing ? 127 : 126,
    signal: null,
    hasTimedOut: false,
    refused: error instanceof Error ? error.message : String(error),
  };
}

async function endGroup(pid: number, killAfterMs: number): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  for (let waitedMs = 0; waitedMs < killAfterMs; waitedMs += LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (!isGroupAlive(pid)) return;
  }
  signalGroup(pid, 'SIGKILL');
}

/** @returns false where nothing of the group is left */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return kill(-pid, signal);
  } catch {
    // ESRCH: the whole group has ended meanwhile.
    return false;
  }
}

function isGroupAlive(pid: number): boolean {
  return signalGroup(pid, 0);
}
