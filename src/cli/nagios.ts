import { printable, redacted } from '../base/printable.ts';
import { plural } from '../base/units.ts';
import type { RunReport, StepReport } from '../engine/report.ts';
import type { Sample } from '../engine/sample.ts';
import { isProblem, type Verdict } from '../engine/verdict.ts';

const STATES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

/** The exit codes of monitoring plugins: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. */
type NagiosCode = 0 | 1 | 2 | 3;

const CODES: Readonly<Record<Verdict, NagiosCode>> = { skip: 0, done: 0, warn: 1, fail: 2, crash: 3, 'not-run': 3 };

/**
 * The exit code of a report for Nagios, Icinga and their kin. What is known to be broken outranks what could not be found
 * out; an alert that nobody took is a warning at least.
 */
export function nagiosCode({ verdict, stoppedBy, alerts, dryRun }: RunReport): NagiosCode {
  if (stoppedBy !== null || dryRun) return 3;
  const code = CODES[verdict];
  return code === 0 && (alerts?.undelivered ?? 0) > 0 ? 1 : code;
}

/**
 * The report as the output of a monitoring plugin: state and worst finding with all numbers in the first line, each
 * problem with what to do below it.
 * @see https://www.monitoring-plugins.org/doc/guidelines.html#PLUGOUTPUT
 */
export function toNagios(report: RunReport): string {
  const steps = report.tasks.flatMap((task) => task.steps);
  const problems = steps.filter(({ verdict }) => isProblem(verdict)).toSorted((a, b) => rank(a) - rank(b));
  const numbers = steps.flatMap(({ samples }) => samples).map(performance);
  const first = `${nagiosHead(report.command, nagiosCode(report))} ${headline(problems, steps)}`;
  const rest = [...report.notices, ...problems.flatMap(longText)].map(harmless);
  return `${[`${harmless(first)} | ${numbers.join(' ')}`.trimEnd(), ...rest].join('\n')}\n`;
}

/** What stands before the colon: `MAINT HEALTH CRITICAL:`. */
function nagiosHead(command: string, code: NagiosCode): string {
  return `MAINT ${command.toUpperCase()} ${STATES[code]}:`;
}

function headline(problems: readonly StepReport[], steps: readonly StepReport[]): string {
  const [worst] = problems;
  if (worst === undefined) return plural(steps.length, 'check');
  const more = problems.length > 1 ? ` (and ${plural(problems.length - 1, 'more problem')})` : '';
  return `${worst.title}: ${worst.summary}${more}`;
}

function rank({ verdict }: StepReport): number {
  return ['fail', 'crash', 'warn'].indexOf(verdict);
}

function longText({ title, verdict, summary, remediation }: StepReport): readonly string[] {
  return [`${STATES[CODES[verdict]]} ${title}: ${summary}`, ...remediation.map((line) => `  ${line}`)];
}

/** A bar would end the text, and a line break the line. */
function harmless(text: string): string {
  return printable(redacted(text)).replaceAll('|', '/');
}

/** Symbol, factor and range of each unit. */
const UNITS: Readonly<Record<Sample['unit'], readonly [symbol: string, factor: number, range: string]>> = {
  ratio: ['%', 100, '0;100'],
  bytes: ['B', 1, '0'],
  seconds: ['s', 1, '0'],
  count: ['', 1, '0'],
};

function performance({ name, subject, value, unit }: Sample): string {
  const [symbol, factor, range] = UNITS[unit];
  const label = harmless(`${name} ${subject}`).replaceAll(/[='"]/g, '_');
  return `'${label}'=${plain(value * factor)}${symbol};;;${range}`;
}

/** Digits without an exponent, which not every reader knows. */
function plain(value: number): string {
  return value.toFixed(6).replace(/\.?0+$/, '');
}
