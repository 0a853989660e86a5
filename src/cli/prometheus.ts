import { printableLines, redacted } from '../base/printable.ts';
import type { RunReport } from '../engine/report.ts';
import type { Sample } from '../engine/sample.ts';
import type { Verdict } from '../engine/verdict.ts';

/** A family of numbers: one name and help, many sets of labels. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly rows: readonly Row[];
}

type Row = readonly [labels: Readonly<Record<string, string>>, value: number];

/** As monitoring plugins count. What was not looked at has no status. */
const STATUS: Readonly<Partial<Record<Verdict, number>>> = { done: 0, warn: 1, fail: 2, crash: 3 };

/**
 * The report in the text format of Prometheus, as the textfile collector of node_exporter reads it. Without timestamps of
 * single numbers, which that collector refuses; one number tells when the report was made.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function toPrometheus(report: RunReport): string {
  const steps = report.tasks.flatMap(({ task, steps: reported }) => reported.map((step) => ({ task, ...step })));
  const job = { project: report.project, job: report.command };
  const families: readonly Family[] = [
    { name: 'maint_build_info', help: 'Version of maint', rows: [[{ version: report.maint }, 1]] },
    {
      name: 'maint_check_status',
      help: '0 ok, 1 warning, 2 failed, 3 could not be found out',
      rows: steps.flatMap(({ task, title, verdict }): Row[] => {
        const status = STATUS[verdict];
        return status === undefined ? [] : [[{ project: report.project, task, check: title }, status]];
      }),
    },
    {
      name: 'maint_check_duration_seconds',
      help: 'How long the check took',
      rows: steps.map(({ task, title, durationMs }) => [
        { project: report.project, task, check: title },
        durationMs / 1_000,
      ]),
    },
    ...(['ratio', 'bytes', 'seconds', 'count'] as const).map((unit) =>
      values(
        report,
        steps.flatMap(({ samples }) => samples),
        unit,
      ),
    ),
    {
      name: 'maint_run_last_start_timestamp_seconds',
      help: 'When the run began',
      rows: [[job, Date.parse(report.startedAt) / 1_000]],
    },
    { name: 'maint_run_duration_seconds', help: 'How long it took', rows: [[job, report.durationMs / 1_000]] },
  ];
  return families.map(text).join('');
}

function values({ project }: RunReport, samples: readonly Sample[], unit: Sample['unit']): Family {
  return {
    name: `maint_check_value_${unit}`,
    help: `What the checks measured in ${unit}`,
    rows: samples
      .filter((sample) => sample.unit === unit)
      .map(({ name, subject, value }) => [{ project, measure: name, subject }, value]),
  };
}

function text({ name, help, rows }: Family): string {
  if (rows.length === 0) return '';
  const lines = rows.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([key, label]) => `${key}="${escaped(label)}"`);
    return `${name}{${pairs.join(',')}} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${[...new Set(lines)].join('')}`;
}

function escaped(label: string): string {
  return printableLines(redacted(label)).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
