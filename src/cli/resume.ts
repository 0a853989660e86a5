import { MaintError } from '../base/errors.ts';
import type { World } from '../base/world.ts';
import type { Config, ConfiguredTask } from '../config/config.ts';
import type { RunRecord } from '../engine/journal.ts';
import { openJournalToRead } from '../engine/sqlite-journal.ts';
import type { RunInvocation } from './invocation.ts';
import { stateDirectory } from './state-directory.ts';

/** What a resumed round does. */
interface Resumed {
  readonly selected: readonly ConfiguredTask[];
  /** The slot of the round that it goes on with; undefined where that was run by hand. */
  readonly slot: Date | undefined;
}

/** Skipped starts in between are no rounds. */
const LOOKED_AT = 50;

/**
 * What is left of the newest round of a tier: the tasks that failed, that nobody could find out about, or that were not
 * reached. One that was killed has no report, so all of it is left.
 * @throws MaintError SLOT_DONE where nothing is left
 */
export function resumedRound({ invocation, config, selected }: ResumeRequest, world: World): Resumed {
  const tier = 'tier' in invocation.select ? invocation.select.tier : '';
  using journal = openJournalToRead(stateDirectory(world, invocation.common, config));
  for (const record of journal.runsOfTier(tier, LOOKED_AT)) {
    const verdicts = verdictsOf(journal.report(record.run));
    if (verdicts !== undefined && verdicts.size === 0) continue;
    const left = selected.filter(({ task }) => verdicts === undefined || isLeft(verdicts.get(task.name)));
    if (left.length === 0) throw nothingLeft(record);
    return { selected: left, slot: record.slot === null ? undefined : new Date(record.slot) };
  }
  throw new MaintError('SLOT_DONE', `there is no ${tier} run to resume`, { hint: `Begin one: maint ${tier}` });
}

interface ResumeRequest {
  readonly invocation: RunInvocation;
  readonly config: Config;
  readonly selected: readonly ConfiguredTask[];
}

/** @returns undefined for a run without an end */
function verdictsOf(report: string | undefined): ReadonlyMap<string, string> | undefined {
  if (report === undefined) return undefined;
  const { tasks }: { readonly tasks: readonly { readonly task: string; readonly verdict: string }[] } =
    JSON.parse(report);
  return new Map(tasks.map(({ task, verdict }) => [task, verdict]));
}

/** A task that the round did not have is none of its business. */
function isLeft(verdict: string | undefined): boolean {
  return verdict === 'fail' || verdict === 'crash' || verdict === 'not-run';
}

function nothingLeft({ command, startedAt }: RunRecord): MaintError {
  return new MaintError('SLOT_DONE', `the ${command} run that began at ${startedAt} has nothing left to do`, {
    hint: 'No task of it failed; leave out --resume to run all of it once more.',
  });
}
