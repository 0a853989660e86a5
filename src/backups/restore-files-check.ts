import { createHash, hash } from 'node:crypto';
import { openFile } from '../adapters/file-tree.ts';
import { Turns } from '../adapters/turns.ts';
import type { RestoreFinding } from './restore-checks.ts';

/** A file as the list of a file set names it. */
interface ListedFile {
  readonly path: string;
  readonly sha256: string;
}

/** Files up to this size are read at once, in bytes. */
const SMALL_BYTES = 2 ** 20;
/** More of them say nothing new. */
const NAMED = 10;

/**
 * Reads back every file that a list names, from where it was written to.
 * @param list the bytes of the list, as sha256sum writes it
 * @returns how many files it names, and what is wrong with them
 */
export async function checkFiles(
  root: string,
  list: AsyncIterable<Buffer>,
  onFile: (bytes: number) => void,
): Promise<{ readonly files: number; readonly findings: readonly RestoreFinding[] }> {
  const findings: RestoreFinding[] = [];
  const turns = new Turns();
  let files = 0;
  let bad = 0;
  for await (const { path, sha256 } of listedFiles(list)) {
    files += 1;
    if (turns.isOver) await turns.next();
    const found = await readBack(`${root}/${path}`, onFile);
    if (found === sha256) continue;
    bad += 1;
    const message = `${path} ${found === undefined ? 'is not there' : 'is not what was backed up'}`;
    if (bad <= NAMED) findings.push({ detail: 'restore.file_mismatch', message });
  }
  if (bad > NAMED)
    findings.push({ detail: 'restore.file_mismatch', message: `${bad - NAMED} more are not as they were` });
  return { files, findings };
}

async function readBack(path: string, onFile: (bytes: number) => void): Promise<string | undefined> {
  const file = openFile(path);
  if (typeof file === 'string') return undefined;
  using open = file;
  const { size } = open.facts;
  onFile(size);
  if (size <= SMALL_BYTES) {
    const bytes = Buffer.allocUnsafe(size);
    return open.fill(bytes) === undefined ? hash('sha256', bytes) : undefined;
  }
  const sum = createHash('sha256');
  for (let at = 0; at < size;) {
    const piece = await open.read(at, SMALL_BYTES);
    if (piece === undefined || piece.length === 0) return undefined;
    sum.update(piece);
    at += piece.length;
  }
  return sum.digest('hex');
}

async function* listedFiles(list: AsyncIterable<Buffer>): AsyncGenerator<ListedFile> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of list) {
    const bytes = Buffer.concat([rest, piece]);
    const end = bytes.lastIndexOf('\n') + 1;
    for (const line of bytes.toString('utf8', 0, end).split('\n').slice(0, -1)) yield listed(line);
    rest = bytes.subarray(end);
  }
}

/** A name with a line break or a backslash is marked by a backslash before the sum, and escaped. */
function listed(line: string): ListedFile {
  if (!line.startsWith('\\')) return { sha256: line.slice(0, 64), path: line.slice(66) };
  const path = line.slice(67).replaceAll(/\\([\\nr])/g, (_, letter: string) => ESCAPED[letter] ?? letter);
  return { sha256: line.slice(1, 65), path };
}

const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r' };
