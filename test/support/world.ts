import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Sink, StopSignal, World } from '../../src/base/world.ts';

/** What a test may bring instead of the defaults. Only `cwd` has none: a folder of the test's own. */
interface WorldRequest {
  readonly cwd: string;
  /** Laid over a small environment of its own: PATH, HOME and directories below `cwd`. Nothing else is inherited. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly columns?: number;
  /** That of this machine where left out. */
  readonly hostname?: string;
  /** What stands on stdin; nothing where left out. */
  readonly stdin?: string;
  /** Are stdout and stderr terminals? */
  readonly isTerminal?: boolean;
  /** The real clock where left out. */
  readonly now?: () => Date;
  /** An ordinary user where left out, so that nothing is written to the directories of root. */
  readonly uid?: number;
  readonly process?: Partial<World['process']>;
}

/** A world whose output can be read, and whose signals the test sends. */
export interface TestWorld extends World {
  /** Everything on stdout so far. */
  out(): string;
  /** Everything on stderr so far. */
  err(): string;
  /** Sends a stop signal to whoever listens. */
  send(signal: StopSignal): void;
  /** How many listen for stop signals now. */
  listeners(): number;
  /** The exit codes that `abandon` was called with. */
  readonly abandoned: readonly number[];
}

/** Makes a world around a folder: state and data lie below it, the output in memory. */
export function makeWorld(request: WorldRequest): TestWorld {
  const { cwd, env = {}, columns = 100, isTerminal = false } = request;
  const out: string[] = [];
  const err: string[] = [];
  const listeners = new Set<(signal: StopSignal) => void>();
  const abandoned: number[] = [];
  const sink = (written: string[]): Sink => ({ write: (text) => void written.push(text), isTerminal, columns });
  return {
    version: '1.2.3',
    hostname: request.hostname ?? hostname(),
    env: { ...ownEnvironment(cwd), ...env },
    cwd,
    stdout: sink(out),
    stderr: sink(err),
    readStdin: async () => request.stdin ?? '',
    isInteractive: false,
    converse: async () => ({ ask: async () => undefined, [Symbol.dispose]: () => undefined }),
    now: request.now ?? (() => new Date()),
    monotonicMs: () => performance.now(),
    onStopSignal: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    abandon: (exitCode) => void abandoned.push(exitCode),
    process: {
      pid: process.pid,
      uid: request.uid ?? 1_000,
      nodePath: process.execPath,
      nodeVersion: process.versions.node,
      scriptPath: '/opt/maint/bin/maint.js',
      ...request.process,
    },
    out: () => out.join(''),
    err: () => err.join(''),
    send: (signal) => {
      for (const listener of listeners) listener(signal);
    },
    listeners: () => listeners.size,
    abandoned,
  };
}

function ownEnvironment(cwd: string): Readonly<Record<string, string | undefined>> {
  return {
    PATH: process.env['PATH'],
    HOME: cwd,
    XDG_DATA_HOME: join(cwd, 'data'),
    XDG_STATE_HOME: join(cwd, 'xdg-state'),
    MAINT_STATE_DIR: join(cwd, 'state'),
  };
}
