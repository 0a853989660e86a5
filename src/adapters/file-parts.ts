import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { MaintError } from '../base/errors.ts';
import { translated } from './files.ts';
import type { StoreUpload } from './store.ts';

/** A piece of a file. */
export interface FilePart {
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer;
}

/** Hands out the parts of a file in order, whoever asks, and hashes them as they go. */
export class FileParts {
  readonly partBytes: number;
  readonly count: number;
  readonly #file: FileHandle;
  readonly #upload: StoreUpload;
  readonly #hash = createHash('sha256');
  #given = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(file: FileHandle, upload: StoreUpload, partBytes: number) {
    this.partBytes = partBytes;
    this.count = Math.ceil(upload.sizeBytes / partBytes);
    this.#file = file;
    this.#upload = upload;
  }

  /**
   * Reads the next part into a buffer; undefined when there are no more.
   * @throws MaintError FILE_UNUSABLE when the file is shorter than it was
   */
  next(buffer: Buffer): Promise<FilePart | undefined> {
    const part = this.#turn.then(() => this.#read(buffer));
    this.#turn = part.catch(() => undefined);
    return part;
  }

  /** @throws MaintError FILE_UNUSABLE when what was read is not what was to be sent */
  requireExpected(): void {
    const { file, sha256 } = this.#upload;
    if (this.#hash.digest('hex') === sha256) return;
    throw new MaintError('FILE_UNUSABLE', `${file} is not what was to be copied: its SHA-256 is another one`, {
      hint: 'It changed or was damaged since it was written: look at it with `maint verify-backup`.',
    });
  }

  async #read(buffer: Buffer): Promise<FilePart | undefined> {
    if (this.#given >= this.count) return undefined;
    const position = this.#given * this.partBytes;
    const length = Math.min(this.partBytes, this.#upload.sizeBytes - position);
    for (let filled = 0; filled < length;) {
      const { bytesRead } = await translated(this.#upload.file, () =>
        this.#file.read(buffer, filled, length - filled, position + filled),
      );
      if (bytesRead === 0)
        throw new MaintError('FILE_UNUSABLE', `${this.#upload.file} became shorter while it was copied`);
      filled += bytesRead;
    }
    const bytes = buffer.subarray(0, length);
    this.#hash.update(bytes);
    this.#given += 1;
    return { number: this.#given, bytes };
  }
}
