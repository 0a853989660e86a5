import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Where a story plays: a folder of its own, and everything opened on it is closed again, whatever happens. */
export interface Stage {
  /** Everything lies in here. */
  readonly folder: string;
  /** Aborts at Ctrl-C, SIGTERM and SIGHUP, and when nobody reads stdout any longer. */
  readonly signal: AbortSignal;
  /** Opens something that is closed when the story ends; a signal that comes meanwhile is heeded once it stands. */
  open<T extends AsyncDisposable>(opening: () => Promise<T>): Promise<T>;
}

interface StageRequest {
  /** Leave the folder where it is. */
  readonly isKept: boolean;
  /** A folder that does not exist yet; one with a name of its own in the temporary directory where left out. */
  readonly folder?: string;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The path of a socket has room for about a hundred characters, which a long temporary directory would use up. */
const LONGEST_PARENT = 50;

/**
 * Plays a story and clears up after it: in reverse order, also when it throws or a signal ends it.
 * @returns what the story returned, or 128+n after signal n
 */
export async function onStage(request: StageRequest, play: (stage: Stage) => Promise<number>): Promise<number> {
  using stop = stopSignal();
  const folder = makeFolder(request.folder);
  const opened: AsyncDisposable[] = [];
  const stage: Stage = {
    folder,
    signal: stop.signal,
    open: async (opening) => {
      stop.signal.throwIfAborted();
      const thing = await opening();
      opened.push(thing);
      stop.signal.throwIfAborted();
      return thing;
    },
  };
  try {
    return await play(stage);
  } catch (error) {
    if (stop.exitCode === undefined) throw error;
    return stop.exitCode;
  } finally {
    await closeAll(opened.toReversed());
    if (!request.isKept) rmSync(folder, { recursive: true, force: true });
  }
}

/** What cannot be closed is named, and keeps nothing else open. */
async function closeAll(things: readonly AsyncDisposable[]): Promise<void> {
  for (const thing of things) {
    try {
      await thing[Symbol.asyncDispose]();
    } catch (error) {
      console.error('demo: could not close', error);
    }
  }
}

/** Lets a person read; a program that reads along is not kept waiting. */
export async function pause({ signal }: Stage, ms: number): Promise<void> {
  if (process.stdout.isTTY) await setTimeout(ms, undefined, { signal });
}

/** Others may pass through the folder, for as root the server runs as another user; what lies in it is private. */
function makeFolder(wanted: string | undefined): string {
  if (wanted !== undefined) {
    mkdirSync(wanted, { mode: 0o711 });
    return wanted;
  }
  const parent = tmpdir().length > LONGEST_PARENT ? '/tmp' : tmpdir();
  const folder = mkdtempSync(join(parent, 'maint-demo-'));
  chmodSync(folder, 0o711);
  return folder;
}

interface Stop extends Disposable {
  readonly signal: AbortSignal;
  /** 128+n once it was stopped. */
  readonly exitCode: number | undefined;
}

function stopSignal(): Stop {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    exitCode ??= 128 + constants.signals[name];
    controller.abort();
  };
  const onUnread = (): void => onSignal('SIGPIPE');
  for (const name of SIGNALS) process.on(name, onSignal);
  process.stdout.on('error', onUnread);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
