import { dirname, join } from 'node:path';
import { describeEntry, walkTree, type TreeEntry } from '../adapters/file-tree.ts';
import { moveDurably, syncFolder } from '../adapters/files.ts';
import { flushDisk } from '../adapters/flush-disk.ts';
import { moveBeside, makeFolderAs, moveOver } from '../adapters/tree-move.ts';
import { MaintError } from '../base/errors.ts';
import { plural } from '../base/units.ts';

/** What is proven, and where it goes. */
interface Publishing {
  /** Holds the files. */
  readonly staged: string;
  readonly target: string;
  readonly exists: boolean;
  /** May files that are there be replaced? */
  readonly overwrites: boolean;
}

/**
 * Gives restored files their names: all at once where the target is not there yet, else one by one, each of which is the
 * old file or the new one at every instant.
 * @throws MaintError FILE_UNUSABLE where something stands in the way: before anything was touched, unless it came meanwhile
 */
export async function publishFiles(publishing: Publishing, signal: AbortSignal): Promise<void> {
  const { staged, target, exists } = publishing;
  await flushDisk(staged);
  if (!exists) {
    await moveDurably(staged, target);
    return;
  }
  requireRoom(publishing);
  for (const entry of entriesOf(staged)) {
    signal.throwIfAborted();
    moveIn(publishing, entry);
  }
  await flushDisk(target);
  await syncFolder(dirname(staged));
}

function moveIn({ staged, target, overwrites }: Publishing, { path, kind }: TreeEntry): void {
  const [from, to] = [join(staged, path), join(target, path)];
  if (kind === 'folder') makeFolderAs(from, to);
  else if (overwrites) moveOver(from, to);
  else moveBeside(from, to);
}

const NAMED = 5;

/** A folder may be there already, and a file where files may be replaced; a link is never followed. */
function requireRoom({ staged, target, overwrites }: Publishing): void {
  const inTheWay: string[] = [];
  for (const { path, kind } of entriesOf(staged)) {
    const there = describeEntry(join(target, path));
    if (there === 'vanished') continue;
    const isFolder = typeof there !== 'string' && there.kind === 'folder';
    if (kind === 'folder' ? isFolder : overwrites && !isFolder && typeof there !== 'string') continue;
    inTheWay.push(path);
  }
  if (inTheWay.length === 0) return;
  const named = inTheWay.slice(0, NAMED).join(', ');
  throw new MaintError(
    'FILE_UNUSABLE',
    `${plural(inTheWay.length, 'entry', 'entries')} of ${target} in the way: ${named}`,
    {
      hint: 'Restore into another directory with --to-directory; nothing was touched.',
      detail: 'restore.in_the_way',
    },
  );
}

/** What maint itself has just written; a fault there is a surprise. */
function* entriesOf(root: string): Generator<TreeEntry> {
  const onFault = (path: string): void => {
    throw new MaintError('FILE_UNUSABLE', `${join(root, path)} cannot be read any more`);
  };
  yield* walkTree({ root, without: '', onFault });
}
