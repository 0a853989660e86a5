import { printableLines, redacted } from '../base/printable.ts';
import type { RunReport, StepReport } from '../engine/report.ts';
import type { FailOn } from './invocation.ts';

/**
 * The report as annotations that GitHub Actions shows beside a job: an error for what failed or could not be found out,
 * a warning for the rest that someone should see. Empty where all is well.
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
 */
export function toAnnotations({ tasks }: RunReport, failOn: FailOn): string {
  return tasks
    .flatMap(({ task, steps }) => steps.map((step) => annotation(task, step, failOn)))
    .filter((line) => line !== undefined)
    .join('');
}

function annotation(task: string, step: StepReport, failOn: FailOn): string | undefined {
  const kind = kindOf(step, failOn);
  if (kind === undefined) return undefined;
  const advice = step.remediation.map((line) => `→ ${line}`);
  const title = escapedProperty(clean(`maint ${task}: ${step.title}`));
  return `::${kind} title=${title}::${escaped(clean([step.summary, ...advice].join('\n')))}\n`;
}

function clean(text: string): string {
  return redacted(printableLines(text));
}

function kindOf({ verdict }: StepReport, failOn: FailOn): 'error' | 'warning' | undefined {
  if (verdict === 'fail' || verdict === 'crash') return 'error';
  if (verdict !== 'warn') return undefined;
  return failOn === 'warn' ? 'error' : 'warning';
}

/** A line break would end the command. */
function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** In a title, what parts properties too. */
function escapedProperty(text: string): string {
  return escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
