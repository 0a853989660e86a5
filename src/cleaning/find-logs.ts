import { matchesGlob } from 'node:path';
import type { AnchoredFolder, EntryState } from '../adapters/anchored-folder.ts';
import { guardOf } from './guard.ts';
import { turn, within, type Obstacle, type Pauses } from './measure.ts';
import { logOfPartial, readRotated, type RotatedName } from './rotated-names.ts';
import type { Rotation } from './rotation-settings.ts';
import { depthOf } from './survey.ts';

/** A file that was put aside, with what the system says of it. */
export interface Rotated extends RotatedName {
  readonly state: EntryState;
}

/** A log with all that belongs to it. */
export interface FoundLog {
  /** Its folder, relative to the root; empty for the root itself. */
  readonly folder: string;
  readonly name: string;
  /** Undefined where it is not there, as between a rename and the next line of its program. */
  readonly current: EntryState | undefined;
  /** Oldest first. */
  readonly rotated: readonly Rotated[];
  /** What killed runs left. */
  readonly partials: readonly string[];
}

interface Looking {
  readonly rotation: Rotation;
  readonly pauses: Pauses;
  /** Told of what cannot be looked at. */
  onAside(path: string, obstacle: Obstacle): void;
}

/** Looks for the logs of a rotation below a root. @throws the signal's reason */
export async function findLogs(root: AnchoredFolder, looking: Looking): Promise<readonly FoundLog[]> {
  return visit(root, '', { ...looking, deepest: depthOf(looking.rotation.files), depth: 1 });
}

interface Visit extends Looking {
  readonly deepest: number;
  readonly depth: number;
}

async function visit(folder: AnchoredFolder, path: string, at: Visit): Promise<readonly FoundLog[]> {
  const guard = guardOf(folder);
  if (guard !== undefined) {
    at.onAside(path, 'guarded');
    return [];
  }
  const logs = logsIn(folder, path, at.rotation);
  if (at.depth >= at.deepest) return logs;
  const below: FoundLog[] = [];
  for (const name of folder.names()) {
    await turn(at.pauses);
    const state = folder.look(name);
    if (typeof state === 'string' || state.kind !== 'folder') continue;
    const inner = path === '' ? name : `${path}/${name}`;
    const found = await within(folder, name, (next) => visit(next, inner, { ...at, depth: at.depth + 1 }));
    if (typeof found !== 'string') below.push(...found);
    else if (found !== 'vanished') at.onAside(inner, found);
  }
  return [...logs, ...below];
}

/** The logs that lie right in a folder. */
export function logsIn(folder: AnchoredFolder, path: string, { files }: Rotation): readonly FoundLog[] {
  const logs = new Map<string, { current: EntryState | undefined; rotated: Rotated[]; partials: string[] }>();
  const entryOf = (log: string) => {
    const entry = logs.get(log) ?? { current: undefined, rotated: [], partials: [] };
    logs.set(log, entry);
    return entry;
  };
  const isMeant = (log: string): boolean =>
    files.some((pattern) => matchesGlob(path === '' ? log : `${path}/${log}`, pattern));
  for (const name of folder.names()) {
    const rotated = readRotated(name);
    const partialOf = logOfPartial(name);
    const log = partialOf ?? rotated?.log ?? name;
    if (!isMeant(log)) continue;
    const state = folder.look(name);
    if (typeof state === 'string' || state.kind !== 'file') continue;
    if (partialOf !== undefined) entryOf(log).partials.push(name);
    else if (rotated !== undefined) entryOf(log).rotated.push({ ...rotated, state });
    else entryOf(log).current = state;
  }
  return [...logs].map(([name, { current, rotated, partials }]) => ({
    folder: path,
    name,
    current,
    rotated: rotated.toSorted((a, b) => a.at.getTime() - b.at.getTime() || a.form.localeCompare(b.form)),
    partials,
  }));
}
