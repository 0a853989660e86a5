import type { AnchoredFolder, EntryFault } from '../adapters/anchored-folder.ts';
import type { Turns } from '../adapters/turns.ts';
import { guardOf } from './guard.ts';

/** Lets a long look at many files be stopped, and everything else have its turn meanwhile. */
export interface Pauses {
  readonly turns: Turns;
  readonly signal: AbortSignal;
}

/** What a folder holds, however deep. */
export interface Measured {
  /** When anything in it, or the folder itself, was last written to. */
  readonly newestMs: number;
  readonly bytes: number;
  readonly files: number;
  /** Device and inode of everything in it. */
  readonly identities: readonly { readonly device: number; readonly inode: number }[];
}

/** Why a folder cannot go as a whole. */
export type Obstacle = EntryFault | 'guarded' | 'special' | 'deep';

/** Deeper than this nobody nests on purpose; each level holds a folder open. */
const DEEPEST = 100;

/**
 * Looks through a folder and everything below it.
 * @returns an obstacle where there is anything in it that must not go, or that cannot be looked at
 * @throws the signal's reason
 */
export async function measure(folder: AnchoredFolder, pauses: Pauses, depth = 0): Promise<Measured | Obstacle> {
  if (depth > DEEPEST) return 'deep';
  if (guardOf(folder) !== undefined) return 'guarded';
  const own = folder.look('.');
  if (typeof own === 'string') return own;
  const identities: { readonly device: number; readonly inode: number }[] = [own];
  let [newestMs, bytes, files] = [own.modifiedMs, own.diskBytes, 0];
  for (const name of folder.names()) {
    await turn(pauses);
    const state = folder.look(name);
    if (typeof state === 'string') return state;
    if (state.kind === 'other') return 'special';
    if (state.kind === 'folder') {
      const below = await within(folder, name, (inner) => measure(inner, pauses, depth + 1));
      if (typeof below === 'string') return below;
      newestMs = Math.max(newestMs, below.newestMs);
      bytes += below.bytes;
      files += below.files;
      identities.push(...below.identities);
    } else {
      newestMs = Math.max(newestMs, state.modifiedMs);
      bytes += state.links === 1 ? state.diskBytes : 0;
      files += 1;
      identities.push(state);
    }
  }
  return { newestMs, bytes, files, identities };
}

/** Opens a folder for as long as the work takes. */
export async function within<T>(
  folder: AnchoredFolder,
  name: string,
  work: (inner: AnchoredFolder) => Promise<T>,
): Promise<T | EntryFault> {
  const inner = folder.enter(name);
  if (typeof inner === 'string') return inner;
  using held = inner;
  // Without waiting here the folder would be closed before the work has begun.
  return await work(held);
}

/** @throws the signal's reason */
export async function turn({ turns, signal }: Pauses): Promise<void> {
  if (!turns.isOver) return;
  await turns.next();
  signal.throwIfAborted();
}
