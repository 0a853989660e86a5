import { MaintError } from '../base/errors.ts';
import type { StoredFile, StoreListing } from './store.ts';

interface Shape {
  /** What stands before each path. */
  readonly listPrefix: string;
  /** Names with this at their end are not whole yet. */
  readonly partial: string;
  /** What is listed, for messages. */
  readonly where: string;
}

const FILE_LINE = /^(\d+)\t(.+)$/;
const FOLDER_LINE = /^(?:-?\d*\t)?(.+\/)$/;

/**
 * Reads what a command printed of a folder. A line is a file, as its size in bytes, a tab and its path; or a folder, as
 * its path with a slash at the end, with or without a size before it. Paths may lead further down: then only their first
 * part counts, as a folder. A size is never left out: it is what tells a file that arrived from half of one.
 * @throws MaintError STORE_REFUSED when a line is none of these
 */
export function listingOf(printed: string, shape: Shape): StoreListing {
  const files = new Map<string, StoredFile>();
  const folders = new Set<string>();
  for (const line of printed.split(/\r?\n/)) {
    if (line === '') continue;
    const [, size, path = FOLDER_LINE.exec(line)?.[1] ?? ''] = FILE_LINE.exec(line) ?? [];
    const [name = '', ...below] = relative(path, line, shape).split('/');
    // The folder itself, as some programs print it too.
    if (name === '' && below.length === 0) continue;
    if (name === '' || name === '.' || name === '..') throw unreadable(line, shape);
    if (below.length > 0) folders.add(name);
    else if (size === undefined) throw unreadable(line, shape);
    else if (!name.endsWith(shape.partial)) files.set(name, { name, sizeBytes: Number(size) });
  }
  return {
    files: [...files.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    folders: [...folders].toSorted(),
  };
}

function relative(path: string, line: string, shape: Shape): string {
  if (path === '' || !path.startsWith(shape.listPrefix)) throw unreadable(line, shape);
  const rest = path.slice(shape.listPrefix.length);
  return rest.startsWith('./') ? rest.slice(2) : rest;
}

function unreadable(line: string, { where, listPrefix }: Shape): MaintError {
  const expected = `SIZE, a tab, ${listPrefix === '' ? '' : `${listPrefix}, `}PATH`;
  return new MaintError(
    'STORE_REFUSED',
    `${where}: list printed ${JSON.stringify(line.slice(0, 200))}, not ${expected}`,
    {
      hint: 'Change list and listPrefix of the copy under backups.copies so that each line is of that form.',
    },
  );
}
