import { printable, printableLines, redacted } from '../base/printable.ts';
import { formatDuration } from '../base/units.ts';
import type { RunReport, StepReport } from '../engine/report.ts';
import { isProblem, type Verdict } from '../engine/verdict.ts';
import { closing } from './closing.ts';
import { displayWidth, hanging, padded, wrapped } from './layout.ts';
import { LOOKS, type Paint } from './style.ts';

/** How a report is to look. */
export interface TextStyle {
  /** Width of the terminal; facts are wrapped to it, never cut. */
  readonly columns: number;
  readonly paint: Paint;
  /** Print nothing when all is well, so that a cron mail means that someone must look. */
  readonly cron: boolean;
}

/** Wider lines than this are hard to follow with the eye. */
const WIDEST = 140;

/** The report for a person: one line per step, then what is wrong with what to do about it, the verdict last. */
export function toText(report: RunReport, style: TextStyle): string {
  if (style.cron && isQuiet(report)) return '';
  const page = { columns: Math.min(style.columns, WIDEST), paint: style.paint };
  const [verdict = '', ...next] = closing(report);
  const lines = [
    ...head(report, page),
    ...steps(report, page),
    ...problems(report, page),
    ...alerts(report, page),
    ...wrapped(verdict, page.columns).map((line) => page.paint('bold', line)),
    ...next.flatMap((line) => wrapped(line, page.columns)),
  ];
  return `${lines.join('\n')}\n`;
}

type Page = Pick<TextStyle, 'columns' | 'paint'>;

function isQuiet(report: RunReport): boolean {
  const isLoud = isProblem(report.verdict) || report.stoppedBy !== null || report.notices.length > 0;
  return !isLoud && (report.alerts?.undelivered ?? 0) === 0;
}

function head(report: RunReport, { columns, paint }: Page): readonly string[] {
  const facts = [
    `maint ${report.command}${report.dryRun ? ' --dry-run' : ''}`,
    minute(report.startedAt),
    ...(report.slot === null ? [] : [`due ${minute(report.slot)}`]),
    ...(report.database === null ? [] : [report.database]),
    report.config ?? 'no configuration file',
  ];
  return [
    ...wrapped(clean(facts.join(' · ')), columns).map((line) => paint('bold', line)),
    ...report.assumptions.flatMap((each) => hanging('assumed: ', clean(each), columns)),
    ...report.notices.flatMap((each) => hanging('notice: ', clean(each), columns)).map((line) => paint('yellow', line)),
  ];
}

/** `2026-11-21 02:00 UTC` of an ISO instant. */
function minute(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}

interface Row extends StepReport {
  readonly task: string;
}

function rowsOf(report: RunReport): readonly Row[] {
  return report.tasks.flatMap(({ task, steps: own }) =>
    own.map((step) => ({ ...step, task: clean(task), title: clean(step.title), summary: clean(step.summary) })),
  );
}

interface Widths {
  readonly task: number;
  readonly title: number;
  readonly duration: number;
}

function steps(report: RunReport, page: Page): readonly string[] {
  const rows = rowsOf(report);
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(displayWidth));
  const widths = {
    task: widest(rows.map(({ task }) => task)),
    title: Math.min(widest(rows.map(({ title }) => title)), Math.max(16, Math.floor(page.columns * 0.4))),
    duration: widest(rows.map(durationOf)),
  };
  return rows.flatMap((row) => [...stepLines(row, widths, page), ...intents(row, report, page)]);
}

/** Below this width a summary goes to lines of its own. */
const NARROW = 24;

function stepLines(row: Row, widths: Widths, { columns, paint }: Page): readonly string[] {
  const lead = `${mark(row.verdict, paint)} ${padded(row.task, widths.task)}  `;
  const leadWidth = widths.task + 4;
  const room = columns - leadWidth - widths.title - widths.duration - 4;
  const isStacked = room < NARROW || displayWidth(row.title) > widths.title;
  const indent = isStacked ? 4 : leadWidth + widths.title + 2;
  const summary = wrapped(row.summary, isStacked ? columns - indent : room);
  const first = isStacked ? row.title : `${padded(row.title, widths.title)}  ${summary[0] ?? ''}`;
  const below = (isStacked ? summary : summary.slice(1)).map((line) => ' '.repeat(indent) + line);
  const duration = durationOf(row);
  const gap = columns - leadWidth - displayWidth(first) - displayWidth(duration);
  const right = duration === '' ? '' : ' '.repeat(Math.max(2, gap)) + paint('dim', duration);
  return [`${lead}${first}${right}`.trimEnd(), ...below];
}

function durationOf({ verdict, durationMs }: StepReport): string {
  return verdict === 'not-run' ? '' : formatDuration(durationMs);
}

function mark(verdict: Verdict, paint: Paint): string {
  return paint(LOOKS[verdict].color, LOOKS[verdict].mark);
}

function intents({ intent }: Row, { dryRun }: RunReport, { columns }: Page): readonly string[] {
  return dryRun ? intent.flatMap((line) => hanging('    → ', clean(line), columns)) : [];
}

/** The worst comes last, where it stays on the screen. */
const PROBLEM_ORDER: readonly Verdict[] = ['warn', 'crash', 'fail'];

function problems(report: RunReport, { columns, paint }: Page): readonly string[] {
  const rows = PROBLEM_ORDER.flatMap((verdict) => rowsOf(report).filter((row) => row.verdict === verdict));
  if (rows.length === 0) return [''];
  const told = rows.flatMap((row) => {
    const code = row.detail ?? row.code;
    const text = `${row.task}: ${row.title}: ${row.summary}${code === null ? '' : ` (${code})`}`;
    const [first = '', ...rest] = hanging('  ', text, columns);
    const todo = row.remediation.flatMap(copyable);
    return [`${mark(row.verdict, paint)}${first.slice(1)}`, ...rest, ...todo];
  });
  return ['', paint('bold', 'What to do'), ...told, ''];
}

/** Stays unwrapped, for a command that a person copies must not be broken by the page. */
function copyable(text: string): readonly string[] {
  return printableLines(redacted(text))
    .split('\n')
    .map((line, index) => `${index === 0 ? '    → ' : '      '}${line}`);
}

function alerts({ alerts: report }: RunReport, { columns }: Page): readonly string[] {
  if (report === null || report.delivered + report.undelivered + report.lines.length === 0) return [];
  const kept = report.undelivered === 0 ? '' : `, ${report.undelivered} undelivered and kept for the next run`;
  const lines = report.lines.flatMap((line) => hanging('  ', clean(line), columns));
  return [`alerts: ${report.delivered} delivered${kept}`, ...lines];
}

/** Text of unknown origin on one line, without secrets and without what a terminal would obey. */
export function clean(text: string): string {
  return printable(redacted(text));
}
