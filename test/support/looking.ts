import { tmpdir } from 'node:os';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import type { Outcome } from '../../src/engine/outcome.ts';
import type { TimedSample } from '../../src/engine/sample.ts';
import type { Around, Question } from '../../src/health/check.ts';
import type { Self } from '../../src/engine/self.ts';
import { health } from '../../src/tasks/health.ts';
import { checks } from '../../src/health/checks.ts';
import { placesAt } from './backup-places.ts';
import { silentLog } from './log.ts';
import { noDatabase } from './run-task.ts';

/** What a check gets in a test. */
export function around(brought: Partial<Around> = {}): Around {
  return {
    log: silentLog,
    signal: new AbortController().signal,
    now: () => new Date(),
    clients: clientPrograms([], undefined, {}),
    history: { samples: () => [] },
    project: 'test',
    backups: placesAt(tmpdir()),
    timezone: 'UTC',
    ...brought,
  };
}

/** The questions of one check, for settings as a person would write them. */
export async function questionsOf(id: string, settings: object, self?: Self): Promise<readonly Question[]> {
  const check = checks.find((each) => each.id === id);
  if (check === undefined) throw new Error(`there is no check ${id}`);
  return check.questions(await health.settings.parseAsync(settings), {
    database: noDatabase,
    self,
  });
}

/** Looks with the only question of a check that needs no database. */
export async function lookOnce(id: string, settings: object, brought: Partial<Around> = {}): Promise<Outcome> {
  const [question] = await questionsOf(id, settings, brought.self);
  if (question === undefined || !('look' in question)) throw new Error(`${id} has nothing to look at`);
  return question.look(around(brought));
}

/** Samples of the same age apart, oldest first, the last one that long before `now`. */
export function series(values: readonly number[], everyMs: number, now: Date): readonly TimedSample[] {
  return values.map((value, index) => ({ at: new Date(now.getTime() - (values.length - index) * everyMs), value }));
}
