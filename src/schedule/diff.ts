const CONTEXT = 3;

/**
 * What changes between two texts, for a person: lines with `-` go, lines with `+` come, with a few around them. Only one
 * place may differ, as where one block changes; everything between the first and the last difference is shown.
 * @returns empty where nothing changes
 */
export function changedLines(before: string, after: string): readonly string[] {
  if (before === after) return [];
  const [old, fresh] = [before.split('\n'), after.split('\n')];
  const shortest = Math.min(old.length, fresh.length);
  let head = 0;
  while (head < shortest && old[head] === fresh[head]) head += 1;
  let tail = 0;
  while (tail < shortest - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail += 1;
  const first = Math.max(0, head - CONTEXT);
  return [
    `@@ line ${head + 1} @@`,
    ...old.slice(first, head).map((line) => `  ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `- ${line}`),
    ...fresh.slice(head, fresh.length - tail).map((line) => `+ ${line}`),
    ...old
      .slice(old.length - tail, old.length - tail + CONTEXT)
      .filter((line, index) => line !== '' || index < tail - 1)
      .map((line) => `  ${line}`),
  ].map((line) => line.trimEnd());
}
