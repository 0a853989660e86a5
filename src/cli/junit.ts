import { printableLines, redacted } from '../base/printable.ts';
import type { RunReport, StepReport, TaskReport } from '../engine/report.ts';
import type { Verdict } from '../engine/verdict.ts';
import type { FailOn } from './invocation.ts';

/**
 * The report as JUnit XML, which every CI system reads: a task is a suite, a step a test case. A warning passes, unless
 * warnings are to fail.
 * @see https://github.com/testmoapp/junitxml
 */
export function toJunit(report: RunReport, failOn: FailOn): string {
  const suites = report.tasks.map((task) => suite(task, { report, failOn }));
  const steps = report.tasks.flatMap((task) => task.steps);
  const attributes = {
    name: `maint ${report.command}`,
    ...counts(steps, failOn),
    time: seconds(report.durationMs),
    timestamp: report.startedAt,
  };
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', attributes, suites)}\n`;
}

interface Frame {
  readonly report: RunReport;
  readonly failOn: FailOn;
}

function suite(task: TaskReport, { report, failOn }: Frame): string {
  const attributes = {
    name: task.task,
    hostname: report.host,
    ...counts(task.steps, failOn),
    time: seconds(task.durationMs),
    timestamp: task.steps[0]?.startedAt ?? report.startedAt,
  };
  return element(
    'testsuite',
    attributes,
    task.steps.map((step) => testCase(task.task, step, failOn)),
  );
}

function testCase(task: string, step: StepReport, failOn: FailOn): string {
  const attributes = { classname: `maint.${task}`, name: step.title, time: seconds(step.durationMs) };
  return element('testcase', attributes, ending(step, failOn));
}

/** What JUnit calls each verdict; undefined for a test case that passes. */
const KINDS: Readonly<Record<Verdict, 'failure' | 'error' | 'skipped' | undefined>> = {
  done: undefined,
  warn: undefined,
  fail: 'failure',
  crash: 'error',
  skip: 'skipped',
  'not-run': 'skipped',
};

function kindOf({ verdict }: StepReport, failOn: FailOn): (typeof KINDS)[Verdict] {
  return verdict === 'warn' && failOn === 'warn' ? 'failure' : KINDS[verdict];
}

function ending(step: StepReport, failOn: FailOn): readonly string[] {
  const kind = kindOf(step, failOn);
  const said = step.verdict === 'warn' ? `warning: ${step.summary}` : step.summary;
  if (kind === undefined) return [element('system-out', {}, [escaped([said, ...step.remediation].join('\n'))])];
  if (kind === 'skipped') return [element('skipped', { message: step.summary }, [])];
  const type = step.detail ?? step.code ?? step.verdict;
  return [element(kind, { message: step.summary, type }, [escaped(step.remediation.join('\n'))])];
}

function counts(steps: readonly StepReport[], failOn: FailOn): Readonly<Record<string, string>> {
  const count = (kind: string): string => String(steps.filter((step) => kindOf(step, failOn) === kind).length);
  return {
    tests: String(steps.length),
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
  };
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

function element(name: string, attributes: Readonly<Record<string, string>>, children: readonly string[]): string {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escaped(value).replaceAll('\n', '&#10;')}"`,
  );
  const inside = children.filter((child) => child !== '').join('\n');
  if (inside === '') return `<${name}${written.join('')}/>`;
  const isText = !inside.startsWith('<');
  return isText
    ? `<${name}${written.join('')}>${inside}</${name}>`
    : `<${name}${written.join('')}>\n${inside}\n</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/**
 * Escapes markup. Control characters, most of which XML 1.0 has no way to write, are gone before.
 * @see https://www.w3.org/TR/xml/#charsets
 */
function escaped(text: string): string {
  return printableLines(redacted(text))
    .replaceAll(/[\ufffe\uffff]/g, '')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
