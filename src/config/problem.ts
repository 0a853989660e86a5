import { MaintError } from '../base/errors.ts';
import { printable, redacted } from '../base/printable.ts';
import { plural } from '../base/units.ts';

/** Problems shown in one message; a program that wants all of them reads them as data. */
const MOST_SHOWN = 50;

/** One mistake in the configuration. */
export interface ConfigProblem {
  readonly source: 'file' | 'environment' | 'flag' | 'default';
  /** What a person has to change: the file's path, `DATABASE_URL`, or `--max-age`. */
  readonly origin: string;
  /** From 1; null where there is none. */
  readonly line: number | null;
  /** Such as `tasks.health.maxAge`; empty where the whole file is meant. */
  readonly path: string;
  /** What was found and what is allowed; lower case, no full stop, no secret. */
  readonly message: string;
  /** The known word that was most likely meant. */
  readonly suggestion: string | null;
}

/** Writes one problem on one line: `maint.yaml:3: tasks.helth: unknown key; did you mean "health"?` */
export function describeProblem({ origin, line, path, message, suggestion }: ConfigProblem): string {
  const place = line === null ? origin : `${origin}:${line}`;
  const advice = suggestion === null ? '' : `; did you mean ${JSON.stringify(suggestion)}?`;
  return printable(redacted([place, path, `${message}${advice}`].filter((part) => part !== '').join(': ')));
}

/**
 * Puts all problems into one error.
 * @returns USAGE where flags alone are wrong, otherwise CONFIG_INVALID
 */
export function problemsError(problems: readonly ConfigProblem[]): MaintError {
  const isFlags = problems.every(({ source }) => source === 'flag');
  const lines = problems.slice(0, MOST_SHOWN).map(describeProblem);
  const more = problems.length > lines.length ? [`and ${problems.length - lines.length} more`] : [];
  const [only = ''] = lines;
  const message =
    problems.length === 1
      ? only
      : [`the configuration has ${plural(problems.length, 'problem')}:`, ...lines, ...more].join('\n  ');
  return isFlags
    ? new MaintError('USAGE', message, { hint: 'Add --help to the command to see what its flags take.' })
    : new MaintError('CONFIG_INVALID', message);
}
