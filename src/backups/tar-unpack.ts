import type { TarEntry } from '../adapters/tar-format.ts';
import type { GrowingEntry, TreeWriter } from '../adapters/tree-writer.ts';
import { BrokenTar, type TarVisitor } from './tar-read.ts';

/**
 * Writes what an archive holds into a folder. Every entry must lie in a folder that the archive itself has made before, so
 * that no link and no `..` can lead out of it.
 */
export class TarUnpack implements TarVisitor {
  readonly #tree: TreeWriter;
  readonly #folders = new Set(['']);
  #file: GrowingEntry | undefined;

  constructor(tree: TreeWriter) {
    this.#tree = tree;
  }

  entry(entry: TarEntry): void {
    this.#endFile();
    const { path, kind, target = '' } = entry;
    this.#requireInside(path);
    if (kind === 'file') this.#file = this.#tree.file(path, entry);
    else if (kind === 'link') this.#tree.link(path, target, entry);
    else {
      this.#tree.folder(path, entry);
      this.#folders.add(path);
    }
  }

  bytes(part: Buffer): void {
    this.#file?.write(part);
  }

  /** Call it after the last byte of the archive. */
  finish(): void {
    this.#endFile();
    this.#tree.finish();
  }

  /** Closes what is open; what was written so far is of no use. */
  abandon(): void {
    this.#endFile();
  }

  #endFile(): void {
    this.#file?.end();
    this.#file = undefined;
  }

  #requireInside(path: string): void {
    const isPlain = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (isPlain && this.#folders.has(parent)) return;
    throw new BrokenTar(`the archive has an entry that lies in none of its folders: ${JSON.stringify(path)}`);
  }
}
