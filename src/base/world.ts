/** A place to write text to: stdout, stderr, or an array in a test. */
export interface Sink {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; 80 where there is none. */
  readonly columns: number;
}

/** The signals that ask a run to stop between two units of work. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** A person at the terminal who answers questions. Disposing lets the terminal go. */
export interface Conversation extends Disposable {
  /**
   * Puts a question and waits for a line.
   * @returns the line without its end; undefined when the person ended the input
   * @throws the reason of the signal once it aborts
   */
  ask(question: string): Promise<string | undefined>;
}

/** Everything that a run takes from outside. `bin/maint.js` hands over the real one; a test brings its own. */
export interface World {
  /** Version of maint. */
  readonly version: string;
  readonly hostname: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Everything on stdin, as text; waits for its end. */
  readStdin(): Promise<string>;
  /** True where a person can answer questions: stdin and stdout are both terminals. */
  readonly isInteractive: boolean;
  /** Begins to ask; only where `isInteractive`. */
  converse(signal: AbortSignal): Promise<Conversation>;
  /** The wall clock. */
  now(): Date;
  /** Milliseconds of a clock that never jumps; only differences mean something. */
  monotonicMs(): number;
  /** Calls back at each stop signal until the returned function is called. */
  onStopSignal(listener: (signal: StopSignal) => void): () => void;
  /** Ends the process at once; only for the third Ctrl-C, when a clean stop takes too long. */
  abandon(exitCode: number): void;
  readonly process: {
    readonly pid: number;
    /** Numeric user id; undefined where the system has none. */
    readonly uid: number | undefined;
    /** Absolute path of the running Node.js. */
    readonly nodePath: string;
    /** Such as `24.21.0`. */
    readonly nodeVersion: string;
    /** Absolute path of the script that was started. */
    readonly scriptPath: string;
  };
}
