import { isMapping, startsWith, type Path } from './tree.ts';

/** One `${NAME}` that was filled in. Its value may be a secret. */
interface FilledVariable {
  readonly path: Path;
  readonly name: string;
  readonly value: string;
}

/** Settings with the variables of the environment filled in. */
interface Interpolated {
  readonly value: unknown;
  readonly filled: readonly FilledVariable[];
  /** What could not be filled in; the text stays as it was there. */
  readonly problems: readonly { readonly path: Path; readonly message: string }[];
}

const VARIABLE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Fills `${NAME}` in every text of the settings from the environment; `$${` stands for a literal `${`.
 * Keys stay as they are.
 */
export function interpolate(settings: unknown, env: Readonly<Record<string, string | undefined>>): Interpolated {
  const filled: FilledVariable[] = [];
  const problems: { path: Path; message: string }[] = [];

  const fillText = (text: string, path: Path): string =>
    text.replaceAll(VARIABLE, (written: string, name: string | undefined, end: string) => {
      if (name === undefined) return '${';
      if (end === '' || !NAME.test(name)) {
        problems.push({ path, message: `"\${" starts no variable here; write \${NAME}, or $\${ for the characters` });
        return written;
      }
      const value = env[name];
      if (value === undefined) {
        problems.push({ path, message: `the environment variable ${name} is not set` });
        return written;
      }
      filled.push({ path, name, value });
      return value;
    });

  const fill = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return fillText(value, path);
    if (Array.isArray(value)) return value.map((item, index) => fill(item, [...path, index]));
    if (!isMapping(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, [...path, key])]));
  };

  return { value: fill(settings, []), filled, problems };
}

/**
 * Takes the values of variables out of a message about one place of the settings.
 * @returns the message with `${NAME}` where it repeated a value; another one where it repeats a piece of it all the same
 */
export function withoutValues(message: string, path: Path, filled: readonly FilledVariable[]): string {
  const here = filled
    .filter((variable) => startsWith(path, variable.path) || startsWith(variable.path, path))
    .filter(({ value }) => value !== '')
    .toSorted((a, b) => b.value.length - a.value.length);
  const cleaned = here.reduce((text, { name, value }) => text.replaceAll(value, () => `\${${name}}`), message);
  const leak = here.find(({ value }) => wordsOf(value).some((word) => cleaned.toLowerCase().includes(word)));
  return leak === undefined ? cleaned : `what the environment variable ${leak.name} fills in is not allowed here`;
}

/** The parts of a value that would give something of it away. */
function wordsOf(value: string): readonly string[] {
  return value
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length >= 4);
}
