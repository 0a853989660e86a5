import { createHash, hash } from 'node:crypto';
import { describeEntry, openFile, walkTree, type OpenFile, type TreeEntry } from '../adapters/file-tree.ts';
import type { TarFormat } from '../adapters/tar-format.ts';
import { Turns } from '../adapters/turns.ts';
import { LineQueue } from './line-queue.ts';
import type { ReferenceIndex } from './reference-index.ts';
import { TarPieces } from './tar-write.ts';

/** What a folder is made an archive of. */
interface FileSetSource {
  /** As `realFolder` gives it. */
  readonly root: string;
  /** Absolute path of a folder that is left out: that of the backups. */
  readonly without: string;
  /** The files that rows point to; each that goes into the archive is noted there. */
  readonly references: ReferenceIndex | undefined;
  readonly format: TarFormat;
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

  readonly #pieces: TarPieces;

  constructor(source: FileSetSource) {
    this.#source = source;
    this.#pieces = new TarPieces(source.format);
  }

  get tally(): FileSetTally {
    return { ...this.#counts, unreferenced: this.#unreferenced, odd: this.#odd, examples: this.#examples };
  }

  /** The bytes of the archive. Can be read once. @throws the reason of the signal when it aborts */
  async *read(signal: AbortSignal): AsyncGenerator<Buffer> {
    const { root, without } = this.#source;
    const onFault = (path: string, fault: Oddity): void => this.#note(path, fault);
    const turns = new Turns();
    for (const entry of walkTree({ root, without, onFault })) {
      if (turns.isOver) {
        await turns.next();
        // Looking costs about as much as the header of a file, and until the turn is over nobody could have stopped it.
        signal.throwIfAborted();
      }
      using large = this.#take(entry);
      if (large !== undefined) yield* this.#large(entry.path, large, signal);
      else if (this.#pieces.isFull) yield this.#pieces.take();
    }
    this.#pieces.end();
    yield this.#pieces.take();
    this.list.end();
  }

  /** @returns the file where it is too large to be read at once */
  #take({ path, kind }: TreeEntry): OpenFile | undefined {
    if (kind === 'file') return this.#file(path);
    if (kind === 'other') this.#note(path, 'special');
    else {
      const facts = describeEntry(`${this.#source.root}/${path}`);
      if (typeof facts === 'string') this.#note(path, facts);
      else {
        this.#counts[kind === 'folder' ? 'folders' : 'links'] += 1;
        this.#pieces.head({ ...facts, path, kind });
      }
    }
    return undefined;
  }

  #file(path: string): OpenFile | undefined {
    const file = openFile(`${this.#source.root}/${path}`);
    if (typeof file === 'string') {
      this.#note(path, file);
      return undefined;
    }
    const { size } = file.facts;
    this.#pieces.head({ ...file.facts, path, kind: 'file' });
    if (size > TarPieces.largestFile) return file;
    using small = file;
    const room = this.#pieces.room(size);
    const end = small.fill(room);
    this.#finish(path, { file, sum: hash('sha256', room), fault: end === 'shorter' ? 'changed' : end });
    return undefined;
  }

  async *#large(path: string, file: OpenFile, signal: AbortSignal): AsyncGenerator<Buffer> {
    yield this.#pieces.take();
    const sum = createHash('sha256');
    let end: Oddity | undefined;
    for await (const { bytes, fault } of contentsOf(file)) {
      signal.throwIfAborted();
      end ??= fault;
      sum.update(bytes);
      this.#pieces.pass(bytes.length);
      yield bytes;
    }
    this.#pieces.padding(file.facts.size);
    this.#finish(path, { file, sum: sum.digest('hex'), fault: end });
  }

  #finish(path: string, { file, sum, fault }: Finished): void {
    const { size } = file.facts;
    const end = fault ?? (file.hasChanged() ? 'changed' : undefined);
    if (end !== undefined) this.#note(path, end);
    this.#counts.files += 1;
    this.#counts.bytes += size;
    this.list.add(sumLine(sum, path));
    if (end !== 'unreadable') this.#see(path, size);
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

interface Finished {
  readonly file: OpenFile;
  readonly sum: string;
  readonly fault: Oddity | undefined;
}

/**
 * Exactly as many bytes as the header has promised: what is no longer there is filled up with zeros. Each piece is read
 * while the one before is looked at.
 */
async function* contentsOf(
  file: OpenFile,
): AsyncGenerator<{ readonly bytes: Buffer; readonly fault: Oddity | undefined }> {
  const { size } = file.facts;
  const readFrom = (position: number): Promise<Buffer | undefined> =>
    file.read(position, Math.min(READ_BYTES, size - position));
  let fault: Oddity | undefined;
  let next = readFrom(0);
  try {
    for (let position = 0; position < size;) {
      const piece = await next;
      if (piece === undefined) fault ??= 'unreadable';
      else if (piece.length === 0) fault ??= 'changed';
      const bytes =
        fault === undefined && piece !== undefined ? piece : Buffer.alloc(Math.min(READ_BYTES, size - position));
      position += bytes.length;
      if (position < size && fault === undefined) next = readFrom(position);
      yield { bytes, fault };
    }
  } finally {
    // The file must not be closed under it.
    await next;
  }
}

/** A line as sha256sum writes and checks it: a name with a line break or a backslash is marked and escaped. */
function sumLine(sum: string, path: string): string {
  if (!/[\\\n\r]/.test(path)) return `${sum}  ${path}`;
  const escaped = path
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`);
  return `\\${sum}  ${escaped}`;
}
