import { open, type FileHandle } from 'node:fs/promises';
import { translated } from './files.ts';

const FILE_MODE = 0o600;
const READ_BYTES = 2 ** 20;
/** Flushing as it goes spreads the wait over the whole write, instead of one long wait at its end. */
const FLUSH_EVERY_BYTES = 64 * 2 ** 20;

/** A file that one side writes while the other already reads it back. */
export class GrowingFile implements AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  #written = 0;
  #flushed = 0;
  #flushing: Promise<void> | undefined;
  #isFinished = false;
  #wake = Promise.withResolvers<void>();

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Creates the file, which must not exist yet.
   * @throws MaintError FILE_UNUSABLE, NO_SPACE
   */
  static async create(path: string): Promise<GrowingFile> {
    return new GrowingFile(path, await translated(path, () => open(path, 'wx', FILE_MODE)));
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#written;
  }

  /**
   * Writes at the end.
   * @throws MaintError NO_SPACE, FILE_UNUSABLE
   */
  async append(pieces: readonly Buffer[]): Promise<void> {
    await translated(this.#path, async () => {
      let rest = pieces;
      while (rest.length > 0) {
        const { bytesWritten } = await this.#file.writev([...rest], this.#written);
        this.#written += bytesWritten;
        rest = behind(rest, bytesWritten);
      }
    });
    this.#startFlush();
    this.#announce();
  }

  /**
   * The last byte is written: flushes the file and lets the reader come to its end.
   * @throws MaintError NO_SPACE, FILE_UNUSABLE
   */
  async finish(): Promise<void> {
    this.#isFinished = true;
    this.#announce();
    await this.#flushing;
    await translated(this.#path, () => this.#file.sync());
  }

  /** Reads from the first byte on, waits for what is not there yet, and ends after `finish`. */
  async *follow(signal: AbortSignal): AsyncGenerator<Buffer> {
    await using file = await translated(this.#path, () => open(this.#path, 'r'));
    const onAbort = (): void => this.#announce();
    signal.addEventListener('abort', onAbort);
    try {
      for (let position = 0; ;) {
        signal.throwIfAborted();
        const available = this.#written - position;
        if (available >= READ_BYTES || (this.#isFinished && available > 0)) {
          const piece = await readAt(file, position, Math.min(available, READ_BYTES), this.#path);
          position += piece.length;
          yield piece;
        } else if (this.#isFinished) return;
        else await this.#wake.promise;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushing?.catch(ignoreHere);
    await this.#file.close();
  }

  #announce(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  #startFlush(): void {
    if (this.#flushing !== undefined || this.#written - this.#flushed < FLUSH_EVERY_BYTES) return;
    this.#flushed = this.#written;
    this.#flushing = translated(this.#path, () => this.#file.datasync()).then(() => {
      this.#flushing = undefined;
    });
    this.#flushing.catch(ignoreHere);
  }
}

/** What is left of the pieces behind so many bytes: a disk that fills up may take less than it was given. */
function behind(pieces: readonly Buffer[], bytes: number): readonly Buffer[] {
  let skipped = bytes;
  return pieces.flatMap((piece) => {
    const from = Math.min(skipped, piece.length);
    skipped -= from;
    return from === piece.length ? [] : [piece.subarray(from)];
  });
}

async function readAt(file: FileHandle, position: number, length: number, path: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await translated(path, () => file.read(buffer, 0, length, position));
  if (bytesRead === 0) throw new Error(`${path} became shorter while it was written`);
  return buffer.subarray(0, bytesRead);
}

/** A flush that failed is said by `finish`, which waits for it. */
function ignoreHere(): void {}
