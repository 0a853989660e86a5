import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { MaintError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { listingOf } from './command-listing.ts';
import { BadEnd, filledIn, printedBy, runCommand, translatedEnd, type Command } from './command-run.ts';
import { readPieces } from './files.ts';
import type { Store, StoreListing, StoreUpload } from './store.ts';

/**
 * Commands as they are configured: a program and its arguments, in which names in braces are filled in. No shell of this
 * host reads them. One of another host may (`ssh`), so no path ever holds a single quote.
 */
export interface CommandStoreSettings {
  readonly name: string;
  /** Takes `{file}` of this host to `{path}` of the store. */
  readonly put: readonly string[];
  /** Writes `{path}` to its stdout. */
  readonly get: readonly string[];
  /** Prints what lies in `{folder}`, or below `{prefix}`, as `listingOf` reads it. */
  readonly list: readonly string[];
  /** Removes `{path}`. Without it nothing is ever removed. */
  readonly remove?: readonly string[] | undefined;
  /**
   * Renames `{from}` to `{to}` inside the store. With it a file travels under a partial name, so that it appears whole
   * or not at all; without it `put` has to see to that itself.
   */
  readonly move?: readonly string[] | undefined;
  /** What stands before every path that `list` prints: `backups/{prefix}`. */
  readonly listPrefix: string;
  /** Exit codes that say that there is no such file or folder. */
  readonly notFound: readonly number[];
  /** Exit codes of `remove` that say that the place keeps the file. */
  readonly retained: readonly number[];
  readonly env: Readonly<Record<string, Secret>>;
  /** For `list`, `remove` and `move`, and for `get` to stay silent. */
  readonly timeoutMs: number;
  /** For `put`, which says nothing while it works. */
  readonly putTimeoutMs: number;
}

const PARTIAL = '.partial';
/** For the one command that clears away what a failed upload left. */
const CLEAR_TIMEOUT_MS = 10_000;
/** How programs say that a file is protected, where their exit code does not. */
const KEPT =
  /\bAccess ?Denied\b|\bMethodNotAllowed\b|object.?lock|retention|Operation not permitted|Read-only file system/i;

/** Whatever a few commands reach, as a store: rclone, ssh, the tool of a provider. */
export function openCommandStore(settings: CommandStoreSettings): Store {
  const store = new CommandStore(settings);
  return {
    name: settings.name,
    locate: (path) => store.locate(path),
    list: (path, signal) => store.list(path, signal),
    read: (path, signal) => store.read(path, signal),
    put: (path, upload, signal) => store.put(path, upload, signal),
    remove: (path, signal) => store.remove(path, signal),
  };
}

class CommandStore {
  readonly #settings: CommandStoreSettings;

  constructor(settings: CommandStoreSettings) {
    this.#settings = settings;
  }

  locate(path: string): string {
    return `${this.#settings.name}:${path}`;
  }

  async list(folder: string, signal: AbortSignal): Promise<StoreListing | undefined> {
    const { list, notFound, listPrefix } = this.#settings;
    const values = { folder, prefix: folder === '' ? '' : `${folder}/` };
    try {
      const printed = await runCommand(this.#command('list', filledIn(list, values), folder, signal));
      const [prefix = ''] = filledIn([listPrefix], values);
      const listing = listingOf(printed, { listPrefix: prefix, partial: PARTIAL, where: this.locate(folder) });
      const isEmpty = listing.files.length + listing.folders.length === 0;
      // Most places know a folder only by what is in it.
      return isEmpty && folder !== '' ? undefined : listing;
    } catch (error) {
      if (hasEnded(error, notFound)) return undefined;
      throw translatedEnd(error);
    }
  }

  async *read(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    const command = this.#command('get', filledIn(this.#settings.get, { path }), path, signal);
    let isEmpty = true;
    try {
      for await (const piece of printedBy({ ...command, limits: 'silence' })) {
        isEmpty = false;
        yield piece;
      }
    } catch (error) {
      const isMissing =
        hasEnded(error, this.#settings.notFound) ||
        // Where it cannot be listed either, the failure itself is what counts.
        (error instanceof BadEnd && isEmpty && !(await this.#isListed(path, signal).catch(() => true)));
      throw isMissing ? this.#missing(path) : translatedEnd(error);
    }
    // Some programs print nothing for a file that is not there, and call that success.
    if (isEmpty && !(await this.#isListed(path, signal))) throw this.#missing(path);
  }

  async put(path: string, upload: StoreUpload, signal: AbortSignal): Promise<void> {
    const { put, move, putTimeoutMs } = this.#settings;
    const { file, sizeBytes, onBytes } = upload;
    await requireExpected(upload, signal);
    const target = move === undefined ? path : `${path}${PARTIAL}`;
    try {
      const putting = this.#command('put', filledIn(put, { file, path: target }), path, signal);
      await runCommand({ ...putting, timeoutMs: putTimeoutMs });
      if (move !== undefined)
        await runCommand(this.#command('move', filledIn(move, { from: target, to: path }), path, signal));
    } catch (error) {
      if (target !== path) await this.#clear(target);
      throw translatedEnd(error);
    }
    onBytes(sizeBytes);
  }

  async remove(path: string, signal: AbortSignal): Promise<'removed' | 'retained'> {
    const { remove, notFound, retained } = this.#settings;
    if (remove === undefined) return 'retained';
    try {
      await runCommand(this.#command('remove', filledIn(remove, { path }), path, signal));
      return 'removed';
    } catch (error) {
      if (hasEnded(error, notFound)) return 'removed';
      if (hasEnded(error, retained) || (error instanceof BadEnd && KEPT.test(error.said))) return 'retained';
      throw translatedEnd(error);
    }
  }

  #command(verb: string, argv: readonly string[], path: string, signal: AbortSignal): Command {
    signal.throwIfAborted();
    // A line break would end a line of the listing, a single quote what is quoted for a shell of another host.
    if (/[\p{Cc}']/u.test(path) || path.split('/').includes('..'))
      throw new MaintError(
        'STORE_REFUSED',
        `${this.#settings.name}: ${JSON.stringify(path)} cannot be handed to a command`,
        {
          hint: 'Give the project a name of letters, digits and hyphens.',
        },
      );
    const { env, timeoutMs } = this.#settings;
    const purpose = `${verb} ${this.locate(path)}`;
    return { purpose, argv, env, signal, timeoutMs, limits: 'whole' };
  }

  async #isListed(path: string, signal: AbortSignal): Promise<boolean> {
    const folder = posix.dirname(path);
    const listing = await this.list(folder === '.' ? '' : folder, signal);
    return listing?.files.some(({ name }) => name === posix.basename(path)) ?? false;
  }

  /** As well as it goes: what stays is under a name that no listing shows, and the next upload writes over it. */
  async #clear(path: string): Promise<void> {
    await this.remove(path, AbortSignal.timeout(CLEAR_TIMEOUT_MS)).catch(() => undefined);
  }

  #missing(path: string): MaintError {
    return new MaintError('FILE_UNUSABLE', `${this.locate(path)} does not exist`, {
      hint: `List the copy ${this.#settings.name}: the file was removed, or never arrived.`,
    });
  }
}

/** The command reads the file by itself, so what it will read is looked at before. */
async function requireExpected({ file, sizeBytes, sha256 }: StoreUpload, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of readPieces(file)) {
    signal.throwIfAborted();
    hash.update(piece);
    bytes += piece.length;
  }
  if (bytes === sizeBytes && hash.digest('hex') === sha256) return;
  throw new MaintError('FILE_UNUSABLE', `${file} is not what was to be copied: its SHA-256 is another one`, {
    hint: 'It changed or was damaged since it was written: look at it with `maint verify-backup`.',
  });
}

function hasEnded(error: unknown, codes: readonly number[]): boolean {
  return error instanceof BadEnd && error.exitCode !== undefined && codes.includes(error.exitCode);
}
