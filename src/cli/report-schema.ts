import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { ALERT_CLASSES, DIMENSIONS } from '../engine/concern.ts';
import type { RunReport } from '../engine/report.ts';

/** The same without `readonly`: what a schema says it lets through. */
type Written<T> = Json extends T ? T : T extends object ? { -readonly [K in keyof T]: Written<T[K]> } : T;

/** Holds a schema to a type, both ways: it lets through nothing else, and it knows every field and every word. */
function exactly<T>() {
  return <S extends z.ZodType<T>>(
    schema: S & ([Written<T>, keyof T] extends [z.infer<S>, keyof z.infer<S>] ? unknown : never),
  ): S => schema;
}

type TaskReport = RunReport['tasks'][number];
type StepReport = TaskReport['steps'][number];
type Sample = StepReport['samples'][number];
type Concern = NonNullable<StepReport['concern']>;
type AlertReport = NonNullable<RunReport['alerts']>;

const instant = z.iso.datetime();
const lines = z.array(z.string());
const durationMs = z.number().min(0).describe('Milliseconds it took');
/** Whatever a document can hold. */
const json: z.ZodType<Json> = z.any();

const verdict = z
  .enum(['done', 'warn', 'fail', 'skip', 'crash', 'not-run'])
  .describe('The worst of what is below; `crash` where something could not be found out');

/** The names of the table, with the one for what maint itself got wrong. */
const CODES = [...Object.keys(ERRORS).filter(isCode), 'BUG'] as const;

function isCode(name: string): name is ErrorCode {
  return name in ERRORS;
}

const sample = exactly<Sample>()(
  z.object({
    name: z.string().describe('Dotted name of the measure'),
    subject: z.string().describe('What was measured'),
    value: z.number(),
    unit: z.enum(['ratio', 'bytes', 'seconds', 'count']),
  }),
);

const concern = exactly<Concern>()(
  z.object({
    check: z.string().describe('The check that the step belongs to; `maint runbook <check>` prints its page'),
    dimension: z.enum(DIMENSIONS).describe('Which part of the system it is about'),
    alertClass: z
      .enum(ALERT_CLASSES)
      .describe('How urgent a failure is: page wakes someone, ticket waits for working hours, report for the week'),
    impact: z.string().describe('Why it matters'),
  }),
);

const step = exactly<StepReport>()(
  z.object({
    title: z.string().describe('Identity of the step over time'),
    verdict,
    summary: z.string().describe('One line for a person'),
    facts: z.record(z.string(), json).describe('The same for a program; what is in it depends on the step'),
    remediation: lines.describe('What to do, as commands where possible'),
    concern: concern.nullable().describe('Why the step matters and how urgently; null where it is no check'),
    code: z.enum(CODES).nullable().describe('The error behind a crash'),
    detail: z.string().nullable().describe('A finer dotted name, such as `verify.rows_mismatch`'),
    intent: lines.describe('What a dry run would have done'),
    samples: z.array(sample).describe('Numbers worth a trend'),
    startedAt: instant,
    durationMs,
  }),
);

const task = exactly<TaskReport>()(
  z.object({
    task: z.string().describe('Name of the task'),
    verdict,
    durationMs,
    planned: z.boolean().describe('False where the task never got as far as its steps'),
    steps: z.array(step),
  }),
);

const alerts = exactly<AlertReport>()(
  z.object({
    delivered: z.int().min(0).describe('Messages that at least one channel took'),
    undelivered: z.int().min(0).describe('Messages that no channel took; they wait in the spool'),
    lines,
  }),
);

/** What `--json` prints after a run, field by field; the compiler holds it to `RunReport`. */
export const reportSchema = exactly<RunReport>()(
  z.object({
    format: z.literal(1).describe('Rises when a field changes its meaning; fields are only ever added'),
    maint: z.string().describe('Version of maint'),
    run: z.guid().describe('Identity of the run'),
    command: z.string().describe('What was asked for'),
    project: z.string(),
    host: z.string(),
    database: z.string().nullable().describe('Null where no task needed one'),
    config: z.string().nullable().describe('The configuration file; null with zero config'),
    assumptions: lines.describe('What maint assumed because nobody said otherwise'),
    notices: lines.describe('What is wrong with the set-up itself but did not stop the work'),
    slot: instant.nullable().describe('The instant the run was meant for; null when started by hand'),
    fence: z
      .int()
      .min(1)
      .nullable()
      .describe(
        'Of the lease that keeps runs on several hosts apart, growing with each holder: of two results for one slot the ' +
          'one with the higher fence counts; null where it held none',
      ),
    dryRun: z.boolean(),
    startedAt: instant,
    finishedAt: instant,
    durationMs,
    verdict,
    stoppedBy: z.enum(['SIGINT', 'SIGTERM', 'SIGHUP']).nullable().describe('The signal that stopped the run'),
    tasks: z.array(task),
    alerts: alerts.nullable().describe('What became of the alerts; null in a dry run'),
  }),
);

/** Describes the report for programs that read it, as JSON Schema of the draft 2020-12. Unknown fields are allowed. */
export function reportJsonSchema(): object {
  // As input, not as output: a newer maint may say more than this schema knows.
  const { $schema, ...rest } = z.toJSONSchema(reportSchema, {
    io: 'input',
    override({ jsonSchema }) {
      // The format says the same, and can be read.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    },
  });
  return { $schema, title: 'Report of maint', ...rest };
}
