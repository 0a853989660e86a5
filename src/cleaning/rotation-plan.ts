import type { FoundLog, Rotated } from './find-logs.ts';
import type { Rotation } from './rotation-settings.ts';

/** Has the time or the size come at which a log is put aside? An empty one never is. */
export function isDue({ current, rotated }: FoundLog, { size, age }: Rotation, nowMs: number): boolean {
  if (current === undefined || current.sizeBytes === 0) return false;
  if (size !== undefined && current.sizeBytes >= size) return true;
  const sinceMs = rotated.at(-1)?.at.getTime() ?? current.bornMs;
  return age !== undefined && nowMs - sinceMs >= age;
}

/**
 * Those that are still to be compressed. After a rename the newest waits for the next time, since its program may write
 * to it until it has opened the log anew.
 */
export function toCompress(rotated: readonly Rotated[], { compress, method }: Rotation): readonly Rotated[] {
  if (compress === 'none') return [];
  const settled = method === 'rename' ? rotated.slice(0, -1) : rotated;
  return settled.filter(({ form }) => form === 'plain');
}

/** Those that are more than are kept; a file and its compressed copy count once. */
export function toRemove(rotated: readonly Rotated[], { keep }: Rotation): readonly Rotated[] {
  const times = [...new Set(rotated.map(({ at }) => at.getTime()))].toSorted((a, b) => b - a);
  const kept = new Set(times.slice(0, keep));
  return rotated.filter(({ at }) => !kept.has(at.getTime()));
}
