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
    return written === '' ? formatKey(key) : `${written}.${formatKey(key)}`;
  }, '');
}

/** Writes a key: bare where it is a plain word, else in quotes, and not at all where it looks like a piece of a URL, which may hold a secret. */
export function formatKey(key: PropertyKey): string {
  const word = String(key);
  if (/^[\w$-]{1,60}$/.test(word)) return word;
  return /[:@/]/.test(word) ? '"…"' : JSON.stringify(word.slice(0, 60));
}

/** Is `path` the same as `start`, or does it lie below it? */
export function startsWith(path: Path, start: Path): boolean {
  return start.length <= path.length && start.every((key, index) => key === path[index]);
}

/** The tree without these places. Where something is missing, what it is missing from goes. */
export function withoutPlaces(tree: unknown, places: readonly Path[]): unknown {
  const present = places.map((place) => presentStart(tree, place));
  const remove = (branch: unknown, path: Path): unknown => {
    const isKept = (key: PropertyKey): boolean =>
      !present.some((place) => place.length === path.length + 1 && startsWith(place, [...path, key]));
    if (Array.isArray(branch))
      return branch.flatMap((item, index) => (isKept(index) ? [remove(item, [...path, index])] : []));
    if (!isMapping(branch)) return branch;
    const entries = Object.entries(branch).filter(([key]) => isKept(key));
    return Object.fromEntries(entries.map(([key, item]) => [key, remove(item, [...path, key])]));
  };
  return present.some((place) => place.length === 0) ? {} : remove(tree, []);
}

function presentStart(tree: unknown, place: Path): Path {
  let branch: unknown = tree;
  for (const [index, key] of place.entries()) {
    if (typeof branch !== 'object' || branch === null || !Object.hasOwn(branch, key)) return place.slice(0, index);
    branch = Reflect.get(branch, key);
  }
  return place;
}
