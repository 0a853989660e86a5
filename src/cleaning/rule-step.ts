import { AnchoredFolder } from '../adapters/anchored-folder.ts';
import { openFiles } from '../adapters/open-files.ts';
import { fail, warn, type Outcome } from '../engine/outcome.ts';
import type { Step, StepContext } from '../engine/task.ts';
import { rootReason } from './guard.ts';
import { remove, type Fate } from './remove.ts';
import { ruleIntent, ruleOutcome } from './rule-outcome.ts';
import { select, type Candidate, type Limits, type Selection } from './select.ts';
import type { CleaningRule } from './settings.ts';
import { survey, type Survey } from './survey.ts';

const HOUR_MS = 3_600_000;

/** What a look needs of the task around it. */
export interface Looking {
  readonly signal: AbortSignal;
  now(): Date;
  readonly backups: { readonly directory: string };
}

/** Looks what a rule would remove, and makes the step that does. */
export async function ruleStep(rule: CleaningRule, context: Looking): Promise<Step> {
  const title = `rule ${rule.name}`;
  const opened = await openRoot(rule.root, context.backups.directory);
  if ('outcome' in opened) return { title, intent: [opened.outcome.summary], perform: async () => opened.outcome };
  using root = opened.root;
  const surveyed = await survey(root, rule, context.signal);
  const selection = select(surveyed.candidates, limitsOf(rule), context.now().getTime());
  const chosen = { rule, surveyed, selection, identity: root.identity };
  return {
    title,
    intent: ruleIntent(rule, selection, surveyed),
    perform: (step) => perform(chosen, step),
  };
}

/** Opens the folder of a rule, unless it is none that may be cleaned. */
export async function openRoot(
  path: string,
  backups: string,
): Promise<{ readonly root: AnchoredFolder } | { readonly outcome: Outcome }> {
  const root = await AnchoredFolder.open(path);
  if (root === undefined)
    return {
      outcome: warn(`there is no folder ${path}`, [`Correct root in the configuration, or make it: mkdir ${path}`], {
        detail: 'clean.no_root',
      }),
    };
  const reason = await rootReason(root.path, backups);
  if (reason === undefined) return { root };
  root[Symbol.dispose]();
  return {
    outcome: fail(
      `nothing was touched: ${root.path} ${reason}`,
      ['Name another root in the configuration; nothing in this one may go.', 'maint config check'],
      { detail: 'clean.root_refused' },
    ),
  };
}

function limitsOf(rule: CleaningRule): Limits {
  const { olderThan, maxTotal, maxCount, keepNewest, maxPerRun } = rule;
  return {
    olderThanMs: olderThan,
    maxTotalBytes: maxTotal,
    maxCount,
    keepNewest,
    maxPerRun,
    keepYoungerThanMs: rule.keepYoungerThan ?? Math.min(HOUR_MS, olderThan ?? HOUR_MS),
  };
}

interface Chosen {
  readonly rule: CleaningRule;
  readonly surveyed: Survey;
  readonly selection: Selection<Candidate>;
  readonly identity: string;
}

async function perform({ rule, surveyed, selection, identity }: Chosen, context: StepContext): Promise<Outcome> {
  const opened = await openRoot(rule.root, context.backups.directory);
  if ('outcome' in opened) return opened.outcome;
  using root = opened.root;
  if (root.identity !== identity)
    return warn(`${rule.root} is another folder than before: nothing was touched`, ['maint clean'], {
      detail: 'clean.root_changed',
    });
  const going = [...surveyed.begun, ...selection.going];
  const open = openFiles();
  const removed: Candidate[] = [];
  const left: { path: string; fate: Fate }[] = surveyed.aside.map(({ path, obstacle }) => ({ path, fate: obstacle }));
  let reached = 0;
  for (const candidate of going) {
    if (context.signal.aborted) break;
    const fate = await remove(candidate, { root, open, signal: context.signal });
    if (fate === 'removed') removed.push(candidate);
    else if (fate !== 'vanished') left.push({ path: candidate.path, fate });
    context.log.info({ rule: rule.name, path: candidate.path, bytes: candidate.bytes, fate }, 'clean');
    reached += 1;
    context.progress({ done: reached, total: going.length, unit: 'items' });
  }
  const freed = removed.reduce((sum, { bytes }) => sum + bytes, 0);
  return ruleOutcome(rule, {
    removed,
    left,
    waiting: going.length - reached + selection.waiting,
    isStopped: reached < going.length,
    remainingBytes: selection.coveredBytes + surveyed.begun.reduce((sum, { bytes }) => sum + bytes, 0) - freed,
  });
}
