import type { AnchoredFolder } from '../adapters/anchored-folder.ts';
import { compressTo, holdsSame, moveContents } from '../adapters/anchored-files.ts';
import type { OpenFiles } from '../adapters/open-files.ts';
import { MaintError } from '../base/errors.ts';
import { logsIn, type FoundLog, type Rotated } from './find-logs.ts';
import { toCompress, toRemove } from './rotation-plan.ts';
import type { Rotation } from './rotation-settings.ts';
import { packedName, partialName, rotatedName } from './rotated-names.ts';

interface Work {
  readonly rotation: Rotation;
  /** The folder of the log itself. */
  readonly folder: AnchoredFolder;
  readonly log: FoundLog;
  readonly signal: AbortSignal;
}

/**
 * Puts a log aside under a name of the given instant.
 * @returns bytes put aside
 * @throws MaintError FILE_UNUSABLE, NO_SPACE; the signal's reason; the log is then as it was
 */
export async function putAside({ rotation, folder, log, signal }: Work, at: Date, open: OpenFiles): Promise<number> {
  const { name: from } = log;
  const to = rotatedName(from, at);
  const state = folder.look(from);
  const path = `${folder.path}/${from}`;
  if (typeof state === 'string' || state.kind !== 'file')
    throw new MaintError('FILE_UNUSABLE', `${path} is no longer there`);
  if (folder.look(to) !== 'vanished') throw new MaintError('FILE_UNUSABLE', `${path} was put aside this very second`);
  if (rotation.method === 'rename') {
    const fault = folder.rename(from, to);
    if (fault !== undefined) throw new MaintError('FILE_UNUSABLE', `${path} cannot be renamed (${fault})`);
    folder.sync();
    return state.sizeBytes;
  }
  if (state.links > 1)
    throw new MaintError('FILE_UNUSABLE', `${path} has another name elsewhere, which would be emptied with it`, {
      hint: 'Remove the other name, or use the method rename.',
    });
  const writer = open.writers(state).find(({ appends }) => !appends);
  if (writer !== undefined)
    throw new MaintError(
      'FILE_UNUSABLE',
      `process ${writer.pid} does not append to ${path}, but writes at a place of it`,
      {
        hint: 'Let it open its log for appending, or use the method rename: an emptied log would get a hole.',
      },
    );
  return moveContents({ folder, from, partial: partialName(to), to, signal });
}

/** What became of the files that were put aside. */
export interface Tidied {
  readonly packed: number;
  readonly packedFromBytes: number;
  readonly packedToBytes: number;
  readonly removed: number;
  readonly freedBytes: number;
  /** Files that could not be compressed for now, since something writes to them. */
  readonly busy: readonly string[];
}

/**
 * Takes away what killed runs left, compresses what is to be compressed and removes what is more than is kept.
 * @throws MaintError FILE_UNUSABLE, NO_SPACE; the signal's reason
 */
export async function tidyLog({ rotation, folder, log, signal }: Work, open: OpenFiles): Promise<Tidied> {
  for (const partial of log.partials) folder.removeFile(partial);
  const busy: string[] = [];
  let [packed, packedFromBytes, packedToBytes] = [0, 0, 0];
  for (const one of toCompress(rotatedOf(folder, log, rotation), rotation)) {
    signal.throwIfAborted();
    const bytes = open.isOpen(one.state) ? undefined : await pack({ rotation, folder, log, signal }, one);
    if (bytes === undefined) busy.push(one.name);
    else {
      packed += 1;
      packedFromBytes += one.state.sizeBytes;
      packedToBytes += bytes;
    }
  }
  const surplus = toRemove(rotatedOf(folder, log, rotation), rotation).filter(({ state }) => !open.isOpen(state));
  const gone = surplus.filter(({ name }) => folder.removeFile(name) === undefined);
  const freedBytes = gone.reduce((sum, { state }) => sum + state.diskBytes, 0);
  return { packed, packedFromBytes, packedToBytes, removed: gone.length, freedBytes, busy };
}

/** @returns bytes of the compressed file, beside which the plain one is gone; undefined where that must wait */
async function pack({ rotation, folder, signal }: Work, one: Rotated): Promise<number | undefined> {
  const form = rotation.compress === 'gzip' ? 'gzip' : 'zstd';
  const to = packedName(one.name, form);
  const there = folder.look(to);
  if (typeof there !== 'string') {
    if (!(await holdsSame(folder, { plain: one.name, packed: to, form }, signal)))
      throw new MaintError('FILE_UNUSABLE', `${folder.path}/${to} is there and does not hold what ${one.name} holds`, {
        hint: 'Look at both, and remove or rename the one that is wrong.',
      });
  } else {
    const bytes = await compressTo({ folder, from: one.name, partial: partialName(to), to, signal }, form);
    if (bytes === undefined) return undefined;
  }
  const state = folder.look(one.name);
  const isSame =
    typeof state !== 'string' && state.inode === one.state.inode && state.modifiedMs === one.state.modifiedMs;
  if (!isSame) return undefined;
  folder.removeFile(one.name);
  const made = folder.look(to);
  return typeof made === 'string' ? 0 : made.sizeBytes;
}

/** What has been put aside by now. */
function rotatedOf(folder: AnchoredFolder, log: FoundLog, rotation: Rotation): readonly Rotated[] {
  return logsIn(folder, log.folder, rotation).find(({ name }) => name === log.name)?.rotated ?? [];
}
