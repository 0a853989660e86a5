import { hostname } from 'node:os';

// The real world, as src/base/world.ts describes it: the one place that touches process and the clock.

/** @type {(facts: { version: string }) => import('../src/base/world.ts').World} */
export function world({ version }) {
  return {
    version,
    get hostname() {
      return hostname();
    },
    env: process.env,
    cwd: process.cwd(),
    stdout: sink(process.stdout),
    stderr: sink(process.stderr),
    readStdin: async () => (await import('node:stream/consumers')).text(process.stdin),
    isInteractive: process.stdin.isTTY && process.stdout.isTTY,
    converse,
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    onStopSignal,
    abandon: (exitCode) => process.exit(exitCode),
    process: {
      pid: process.pid,
      uid: process.getuid?.(),
      nodePath: process.execPath,
      nodeVersion: process.versions.node,
      scriptPath: process.argv[1] ?? '',
    },
  };
}

/** A reader that went away (`maint history | head`) is no error of ours. */
function sink(stream) {
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    columns: stream.columns || 80,
  };
}

/** The terminal keeps its own line editing, and Ctrl-C stays a signal. */
async function converse(signal) {
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input: process.stdin, terminal: false });
  const typed = lines[Symbol.asyncIterator]();
  const stopped = new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  stopped.catch(() => undefined);
  return {
    async ask(question) {
      process.stdout.write(question);
      return (await Promise.race([typed.next(), stopped])).value;
    },
    [Symbol.dispose]() {
      lines.close();
      process.stdin.destroy();
    },
  };
}

function onStopSignal(listener) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}
