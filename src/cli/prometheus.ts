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

/** What the journal knows besides the report. */
export interface Remembered {
  /** When a run of the same command last ended well, this one included. */
  readonly lastSuccessAt?: Date | undefined;
  /** Messages that wait for a channel. */
  readonly spooled?: number;
}

/** As monitoring plugins count. What was not looked at has no status. */
const STATUS: Readonly<Partial<Record<Verdict, number>>> = { done: 0, warn: 1, fail: 2, crash: 3 };

/**
 * The report in the text format of Prometheus, as the textfile collector of node_exporter reads it. Without timestamps of
 * single numbers, which that collector refuses; one number tells when the report was made.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function toPrometheus(report: RunReport, { lastSuccessAt, spooled }: Remembered = {}): string {
  const steps = report.tasks.flatMap(({ task, steps: reported }) => reported.map((step) => ({ task, ...step })));
  const job = { project: report.project, job: report.command };
  const families: readonly Family[] = [
    { name: 'maint_build_info', help: 'Version of maint', rows: [[{ version: report.maint }, 1]] },
    {
      name: 'maint_check_status',
      help: '0 ok, 1 warning, 2 failed, 3 could not be found out',
      rows: steps.flatMap(({ task, title, verdict, concern }): Row[] => {
        const status = STATUS[verdict];
        const kind = concern === null ? {} : { dimension: concern.dimension, severity: concern.alertClass };
        return status === undefined ? [] : [[{ project: report.project, task, check: title, ...kind }, status]];
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
    ...certificates(report, steps),
    {
      name: 'maint_run_last_start_timestamp_seconds',
      help: 'When the run began',
      rows: [[job, Date.parse(report.startedAt) / 1_000]],
    },
    {
      name: 'maint_run_last_success_timestamp_seconds',
      help: 'When a run of this command last ended without a failure',
      rows: lastSuccessAt === undefined ? [] : [[job, lastSuccessAt.getTime() / 1_000]],
    },
    { name: 'maint_run_duration_seconds', help: 'How long it took', rows: [[job, report.durationMs / 1_000]] },
    {
      name: 'maint_notification_spool_depth',
      help: 'Messages that wait for a channel',
      rows: spooled === undefined ? [] : [[{ project: report.project }, spooled]],
    },
    {
      name: 'maint_report_timestamp_seconds',
      help: 'When these numbers were written down: they stay when maint no longer runs',
      rows: [[{ project: report.project }, Date.parse(report.finishedAt) / 1_000]],
    },
  ];
  return families.map(text).join('');
}

type Reported = RunReport['tasks'][number]['steps'][number];

/** Certificates and tokens under names of their own, with their end as an instant. */
function certificates({ project }: RunReport, steps: readonly Reported[]): readonly Family[] {
  const all = steps.flatMap(({ startedAt, samples }) => samples.map((sample) => ({ startedAt, ...sample })));
  const rows = (names: readonly string[], valueOf: (sample: (typeof all)[number]) => number): readonly Row[] =>
    all
      .filter(({ name }) => names.includes(name))
      .map((sample) => [{ project, name: sample.subject, source: sample.name.split('.')[0] ?? '' }, valueOf(sample)]);
  return [
    {
      name: 'maint_cert_not_after_timestamp_seconds',
      help: 'When it ends: of a chain the certificate that ends first',
      rows: rows(['certificate.left', 'token.left'], ({ startedAt, value }) =>
        Math.round(Date.parse(startedAt) / 1_000 + value),
      ),
    },
    {
      name: 'maint_cert_remaining_ratio',
      help: 'Share of its life that is left',
      rows: rows(['certificate.left_share'], ({ value }) => value),
    },
  ];
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
