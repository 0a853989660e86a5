/** Where a value lies in the configuration: keys of mappings and positions in lists. */
export type Path = readonly PropertyKey[];

/** Is this a mapping: an object that is no list and no instance of a class? */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Writes a path as a person would: `alerts.channels[0].url`, quoting keys that are no plain words. */
export function formatPath(path: Path): string {
  return path.reduce<string>((written, key) => {
    if (typeof key === 'number') return `${written}[${key}]`;
    const word = String(key);
    const shown = /^[\w$-]{1,60}$/.test(word) ? word : JSON.stringify(word.slice(0, 60));
    return written === '' ? shown : `${written}.${shown}`;
  }, '');
}

/** Is `path` the same as `start`, or does it lie below it? */
export function startsWith(path: Path, start: Path): boolean {
  return start.length <= path.length && start.every((key, index) => key === path[index]);
}
