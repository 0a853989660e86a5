import { plural } from '../base/units.ts';
import type { RunReport } from '../engine/report.ts';
import { TIERS } from '../engine/task.ts';
import { isProblem, type Verdict } from '../engine/verdict.ts';

/** The last lines of a report: the verdict in words, then what to do next. */
export function closing(report: RunReport): readonly string[] {
  return [`${headline(report)}: ${tally(report)}`, ...nextSteps(report)];
}

function headline({ dryRun, stoppedBy, verdict }: RunReport): string {
  if (stoppedBy !== null) return `stopped by ${stoppedBy}`;
  return dryRun ? 'dry run' : verdict;
}

/** How a number of steps of each verdict is said, in the order of a report. */
const COUNTED: readonly (readonly [Verdict, (count: number) => string])[] = [
  ['done', (count) => `${count} done`],
  ['warn', (count) => plural(count, 'warning')],
  ['skip', (count) => `${count} skipped`],
  ['crash', (count) => `${count} not found out`],
  ['not-run', (count) => `${count} not run`],
  ['fail', (count) => `${count} failed`],
];

function tally(report: RunReport): string {
  const verdicts = report.tasks.flatMap((task) => task.steps.map((step) => step.verdict));
  const count = (verdict: Verdict): number => verdicts.filter((each) => each === verdict).length;
  if (report.dryRun) return dryTally(verdicts.length, count('not-run'));
  if (verdicts.length === 0) return 'there was nothing to do';
  const parts = COUNTED.flatMap(([verdict, say]) => (count(verdict) === 0 ? [] : [say(count(verdict))]));
  return [...parts, ...(count('fail') === 0 ? ['nothing failed'] : [])].join(', ');
}

function dryTally(all: number, planned: number): string {
  const broken = all === planned ? [] : [`${all - planned} could not be planned`];
  return [`${plural(planned, 'step')} would run`, ...broken, 'nothing was touched'].join(', ');
}

function nextSteps(report: RunReport): readonly string[] {
  const undelivered = (report.alerts?.undelivered ?? 0) > 0;
  return [
    ...(undelivered ? ['Nobody was told: run `maint alerts test` to see what keeps the alerts back.'] : []),
    ...nextForVerdict(report),
  ];
}

function nextForVerdict(report: RunReport): readonly string[] {
  if (report.stoppedBy !== null)
    return [`Run \`maint ${report.command}\` again for the rest; what is done stays done.`];
  if (report.verdict === 'fail') return [`Act on what failed, then run \`${retry(report)}\`.`];
  if (report.verdict === 'crash')
    return ['What was not found out may hide a failure: `maint doctor` looks for the cause.'];
  if (report.dryRun) return [`Run \`maint ${report.command}\` to do it.`];
  return report.verdict === 'warn' ? ['Look at the warnings within working hours.'] : [];
}

/** The command that runs just the tasks with problems again. */
function retry({ command, tasks }: RunReport): string {
  const broken = tasks.filter(({ verdict }) => isProblem(verdict) && verdict !== 'warn').map(({ task }) => task);
  const isRound = TIERS.some((tier) => tier === command);
  if (isRound) return `maint ${command} --only ${broken.join(' ')}`;
  return command.startsWith('run ') ? `maint run ${broken.join(' ')}` : `maint ${command}`;
}
