/** Longer words are no typing mistakes, and comparing them would cost time. */
const LONGEST_WORD = 64;

/**
 * Finds the known word that someone who typed `word` most likely meant.
 * @returns the nearest known word; undefined where none is near: at most one mistake per three characters
 */
export function suggest(word: string, known: readonly string[]): string | undefined {
  if (word.length > LONGEST_WORD) return undefined;
  const [nearest] = known
    .map((candidate) => ({ candidate, mistakes: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, mistakes }) => mistakes <= Math.max(1, Math.floor(candidate.length / 3)))
    .toSorted((a, b) => a.mistakes - b.mistakes);
  return nearest?.candidate;
}

/**
 * Counts the mistakes between two words: a letter too many, too few, a wrong one, or two neighbours swapped.
 * @see https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance (optimal string alignment)
 */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      next.push(
        Math.min(
          at(last, column) + 1,
          at(next, column - 1) + 1,
          at(last, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(beforeLast, column - 2) + 1 : Infinity,
        ),
      );
    }
    beforeLast = last;
    last = next;
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
