import type { AnchoredFolder, EntryFault, EntryState } from '../adapters/anchored-folder.ts';
import type { OpenFiles } from '../adapters/open-files.ts';
import { Turns } from '../adapters/turns.ts';
import { measure, turn, within, type Obstacle, type Pauses } from './measure.ts';
import type { Candidate } from './select.ts';
import { REMOVING } from './survey.ts';

/** What became of a candidate: removed, or left since a process has it open, it is not what it was, or see the obstacle. */
export type Fate = 'removed' | 'open' | 'changed' | Obstacle;

interface Surroundings {
  readonly root: AnchoredFolder;
  readonly open: OpenFiles;
  readonly signal: AbortSignal;
}

/**
 * Removes what was chosen, unless it is another thing by now, was written to since, or is in use.
 * A folder first gets a name that tells that it is being removed: a killed run leaves no half of it under its own name.
 * @throws the signal's reason, with a folder half removed under that name
 */
export async function remove(candidate: Candidate, { root, open, signal }: Surroundings): Promise<Fate> {
  const pauses = { turns: new Turns(), signal };
  const removed = await inFolderOf(root, candidate.path, async (folder, name) => {
    const state = folder.look(name);
    if (typeof state === 'string') return state;
    if (!isSame(state, candidate)) return 'changed';
    return candidate.kind === 'file'
      ? removeFile({ folder, name, state }, candidate, open)
      : removeWhole({ folder, name, state }, { candidate, open, pauses });
  });
  return removed ?? 'removed';
}

/** Walks down to the folder that holds an entry, one held folder after the other. */
async function inFolderOf<T>(
  folder: AnchoredFolder,
  path: string,
  work: (folder: AnchoredFolder, name: string) => Promise<T>,
): Promise<T | EntryFault> {
  const slash = path.indexOf('/');
  if (slash === -1) return work(folder, path);
  return within(folder, path.slice(0, slash), (inner) => inFolderOf(inner, path.slice(slash + 1), work));
}

interface Entry {
  readonly folder: AnchoredFolder;
  readonly name: string;
  readonly state: EntryState;
}

async function removeFile(
  { folder, name, state }: Entry,
  chosen: Candidate,
  open: OpenFiles,
): Promise<Fate | undefined> {
  if (state.modifiedMs !== chosen.modifiedMs) return 'changed';
  if (open.isOpen(state)) return 'open';
  return folder.removeFile(name);
}

interface Removal {
  readonly candidate: Candidate;
  readonly open: OpenFiles;
  readonly pauses: Pauses;
}

async function removeWhole({ folder, name }: Entry, { candidate, open, pauses }: Removal): Promise<Fate | undefined> {
  const isBegun = name.startsWith(REMOVING);
  const measured = await within(folder, name, (inner) => measure(inner, pauses));
  if (typeof measured === 'string') return measured;
  if (!isBegun && measured.newestMs !== candidate.modifiedMs) return 'changed';
  if (measured.identities.some((each) => open.isOpen(each))) return 'open';
  const doomed = isBegun ? name : REMOVING + name;
  if (!isBegun) {
    if (typeof folder.look(doomed) !== 'string') return 'refused';
    const fault = folder.rename(name, doomed);
    if (fault !== undefined) return fault;
    folder.sync();
  }
  const fault = await within(folder, doomed, (inner) => removeContents(inner, pauses));
  return fault ?? folder.removeFolder(doomed);
}

/** Links are removed, not followed; where another disk is mounted nothing goes. */
async function removeContents(folder: AnchoredFolder, pauses: Pauses): Promise<EntryFault | undefined> {
  for (const name of Array.from(folder.names())) {
    await turn(pauses);
    const state = folder.look(name);
    const fault =
      typeof state !== 'string' && state.kind === 'folder'
        ? ((await within(folder, name, (inner) => removeContents(inner, pauses))) ?? folder.removeFolder(name))
        : folder.removeFile(name);
    if (fault !== undefined && fault !== 'vanished') return fault;
  }
  return undefined;
}

function isSame(state: EntryState, { kind, device, inode }: Candidate): boolean {
  return state.kind === kind && state.device === device && state.inode === inode;
}
