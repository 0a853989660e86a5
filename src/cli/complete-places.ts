/** A word that can be completed. */
export interface Candidate {
  readonly word: string;
  readonly summary: string;
}

/** What can follow a flag: nothing, a path, one or several of some words, or something that only a person knows. */
export type Value =
  | { readonly kind: 'nothing' | 'file' | 'directory' | 'anything' }
  | { readonly kind: 'word' | 'words'; readonly words: readonly string[] };

export interface CompletedFlag extends Candidate {
  readonly short: string | undefined;
  readonly value: Value;
}

/** What can be typed at one place of the tree of commands. */
export interface Place {
  /** The commands so far: `[]`, `['config', 'check']`. */
  readonly path: readonly string[];
  /** Commands and arguments. */
  readonly words: readonly Candidate[];
  /** May a path follow? */
  readonly takesFile: boolean;
  readonly flags: readonly CompletedFlag[];
}

/** Every flag of the tree that takes a value, once. */
export function valueFlags(places: readonly Place[]): readonly CompletedFlag[] {
  const flags = places.flatMap((place) => place.flags).filter(({ value }) => value.kind !== 'nothing');
  return [...new Map(flags.map((flag) => [flag.word, flag])).values()];
}

/** Every place below the first as one word: `/config/check`. */
export function pathWords(places: readonly Place[]): readonly string[] {
  return places.filter(({ path }) => path.length > 0).map(pathWord);
}

/** A place as one word; empty for the first. */
export function pathWord({ path }: Place): string {
  return path.map((word) => `/${word}`).join('');
}
