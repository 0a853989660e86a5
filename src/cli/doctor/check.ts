import { MaintError } from '../../base/errors.ts';

/** Parts of a set-up, in the order in which the doctor looks at them. */
type Section =
  | 'node'
  | 'configuration'
  | 'database'
  | 'rights'
  | 'programs'
  | 'directories'
  | 'encryption'
  | 'channels'
  | 'schedule';

/** How a check came out. `unknown` says that it could not be found out, which is not the same as well. */
export type CheckStatus = 'ok' | 'warn' | 'unknown' | 'fail';

/** One thing that the doctor looked at. */
export interface Check {
  readonly section: Section;
  /** What was looked at: `pg_dump`, `backup directory`. */
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found, in one line; no full stop, no secret. */
  readonly summary: string;
  /** What to do, as commands where possible; empty only where all is well. */
  readonly fix: readonly string[];
}

type Make = (name: string, summary: string, fix: readonly string[]) => Check;

/** Makes the checks of one section. */
interface Verdicts {
  readonly ok: (name: string, summary: string) => Check;
  readonly warn: Make;
  readonly unknown: Make;
  readonly fail: Make;
}

/** The four ways in which a check of this section can come out. */
export function verdictsOf(section: Section): Verdicts {
  const make =
    (status: CheckStatus) =>
    (name: string, summary: string, fix: readonly string[] = []): Check => ({ section, name, status, summary, fix });
  return { ok: make('ok'), warn: make('warn'), unknown: make('unknown'), fail: make('fail') };
}

/**
 * Runs checks; an expected obstacle in their way becomes an unknown of its own, so that it never hides the others.
 * @throws what is no MaintError, for that is a bug
 */
export async function guarded(
  section: Section,
  name: string,
  look: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return [verdictsOf(section).unknown(name, `${error.message} (${error.code})`, [error.hint])];
  }
}
