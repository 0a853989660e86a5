import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describeEntry, openFile, walkTree, type OpenFile } from '../adapters/file-tree.ts';
import { release } from '../adapters/memory.ts';
import { LineQueue } from './line-queue.ts';
import type { ReferenceIndex } from './reference-index.ts';
import { tarEnd, tarHeader, tarPadding } from './tar-write.ts';

/** What a folder is made an archive of. */
interface FileSetSource {
  /** As `realFolder` gives it. */
  readonly root: string;
  /** Absolute path of a folder that is left out: that of the backups. */
  readonly without: string;
  /** The files that rows point to; each that goes into the archive is noted there. */
  readonly references: ReferenceIndex | undefined;
}

/** What was not as it should be with an entry. */
type Oddity = 'changed' | 'vanished' | 'unreadable' | 'special';

/** Sizes are in bytes. */
export interface FileSetTally {
  readonly files: number;
  readonly bytes: number;
  readonly folders: number;
  readonly links: number;
  /** Files that no row points to; all of them where nobody asked. */
  readonly unreferenced: { readonly files: number; readonly bytes: number };
  readonly odd: Readonly<Record<Oddity, number>>;
  /** The first few of them. */
  readonly examples: readonly { readonly path: string; readonly what: Oddity }[];
}

const READ_BYTES = 2 ** 20;
/** Small files are gathered to pieces of this size. */
const GATHERED_BYTES = 256 * 2 ** 10;
const EXAMPLES = 20;

/**
 * Reads a folder of a living application into a tar archive. A file that is written to meanwhile goes in with the size
 * that it had when it was opened; one that vanishes, or that cannot be read, is counted and named.
 */
export class FileSetTar {
  /** A line for each file that went in, as sha256sum writes it. */
  readonly list = new LineQueue();
  readonly #source: FileSetSource;
  readonly #counts = { files: 0, bytes: 0, folders: 0, links: 0 };
  readonly #unreferenced = { files: 0, bytes: 0 };
  readonly #odd = { changed: 0, vanished: 0, unreadable: 0, special: 0 };
  readonly #examples: FileSetTally['examples'][number][] = [];

  constructor(source: FileSetSource) {
    this.#source = source;
  }

  get tally(): FileSetTally {
    return { ...this.#counts, unreferenced: this.#unreferenced, odd: this.#odd, examples: this.#examples };
  }

  /** The bytes of the archive. Can be read once. @throws the reason of the signal when it aborts */
  read(signal: AbortSignal): AsyncGenerator<Buffer> {
    return gathered(this.#archive(signal));
  }

  async *#archive(signal: AbortSignal): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const piece of this.#entries(signal)) {
      bytes += piece.length;
      yield piece;
    }
    yield tarEnd(bytes);
    this.list.end();
  }

  async *#entries(signal: AbortSignal): AsyncGenerator<Buffer> {
    const { root, without } = this.#source;
    const onFault = (path: string, fault: Oddity): void => this.#note(path, fault);
    for await (const { path, kind } of walkTree({ root, without, onFault })) {
      signal.throwIfAborted();
      if (kind === 'other') this.#note(path, 'special');
      else if (kind === 'file') yield* this.#file(path, signal);
      else {
        const facts = await describeEntry(join(root, path));
        if (typeof facts === 'string') this.#note(path, facts);
        else {
          this.#counts[kind === 'folder' ? 'folders' : 'links'] += 1;
          yield tarHeader({ ...facts, path, kind });
        }
      }
    }
  }

  async *#file(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    const opened = await openFile(join(this.#source.root, path));
    if (typeof opened === 'string') {
      this.#note(path, opened);
      return;
    }
    await using file = opened;
    const { facts } = file;
    const hash = createHash('sha256');
    yield tarHeader({ ...facts, path, kind: 'file' });
    let end: Oddity | undefined;
    for await (const { bytes, fault } of contentsOf(file)) {
      signal.throwIfAborted();
      end ??= fault;
      hash.update(bytes);
      yield bytes;
    }
    yield tarPadding(facts.size);
    end ??= (await file.hasChanged()) ? 'changed' : undefined;
    if (end !== undefined) this.#note(path, end);
    this.#counts.files += 1;
    this.#counts.bytes += facts.size;
    this.list.add(sumLine(hash.digest('hex'), path));
    if (end !== 'unreadable') this.#see(path, facts.size);
  }

  #see(path: string, size: number): void {
    if (this.#source.references?.see(path, size) === true) return;
    this.#unreferenced.files += 1;
    this.#unreferenced.bytes += size;
  }

  #note(path: string, what: Oddity): void {
    this.#odd[what] += 1;
    if (this.#examples.length < EXAMPLES) this.#examples.push({ path, what });
  }
}

/** Exactly as many bytes as the header has promised: what is no longer there is filled up with zeros. */
async function* contentsOf(
  file: OpenFile,
): AsyncGenerator<{ readonly bytes: Buffer; readonly fault: Oddity | undefined }> {
  const { size } = file.facts;
  let fault: Oddity | undefined;
  for (let position = 0; position < size;) {
    const wanted = Math.min(READ_BYTES, size - position);
    const piece = fault === undefined ? await file.read(position, wanted) : undefined;
    if (piece === undefined) fault ??= 'unreadable';
    else if (piece.length === 0) fault = 'changed';
    const bytes = fault === undefined && piece !== undefined ? piece : Buffer.alloc(wanted);
    position += bytes.length;
    yield { bytes, fault };
  }
}

/** A line as sha256sum writes and checks it: a name with a line break or a backslash is marked and escaped. */
function sumLine(sum: string, path: string): string {
  const escaped = path
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`);
  return `${escaped === path ? '' : '\\'}${sum}  ${escaped}`;
}

async function* gathered(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let batch: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    batch.push(piece);
    bytes += piece.length;
    if (bytes < GATHERED_BYTES) continue;
    const gathered = Buffer.concat(batch, bytes);
    batch.forEach(release);
    yield gathered;
    batch = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(batch, bytes);
}
