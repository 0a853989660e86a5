import type { Secret } from '../base/secret.ts';
import type { RunReport, StepReport } from '../engine/report.ts';
import { clip, oneLine } from './text.ts';

/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

const SHOWN = '[secret]';
const SUMMARY_LIMIT = 2_000;
const REMEDIATION_LIMIT = 500;
const REMEDIATIONS_LIMIT = 10;

/** What looks like a secret, and what is shown in its place. Every repetition has a limit, so that no text takes long. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // With a colon before the @: up to the last @ of the word, because passwords may hold @ and / where they should not.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#:@]{0,200}:\S{0,1000}@/gi, `$1${SHOWN}@`],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#@]{1,500}@/gi, `$1${SHOWN}@`],
  [/\bhooks\.slack\.com\/[^\s"'<>]{1,500}/gi, `hooks.slack.com/${SHOWN}`],
  [/\bwhsec_[a-z0-9+/=_-]{1,200}/gi, SHOWN],
  [/\b(authorization["']?\s{0,5}[:=]\s{0,5}["']?)(?:[a-z]{1,20}\s{1,5})?[^\s"',;]{1,4000}/gi, `$1${SHOWN}`],
  [/\b(bearer\s{1,5})[\w.~+/=-]{1,4000}/gi, `$1${SHOWN}`],
  [
    /((?:password|passwd|pwd|passphrase|token|secret|api[_-]?key|access[_-]?key)["']?\s{0,5}[:=]\s{0,5})(?:"(?:[^"\\]|\\.){0,1000}"|'(?:[^'\\]|\\.){0,1000}'|[^\s&,;"']{1,4000})/gi,
    `$1${SHOWN}`,
  ],
];

/**
 * Makes a function that replaces every known secret, and whatever looks like one (`user:password@` in a URL,
 * `password=…`, `token=…`, `Bearer …`, addresses of Slack, signing keys), by `[secret]`.
 */
export function redactor(secrets: readonly Secret[]): Redact {
  return (text) => {
    const masked = secrets.reduce((sofar, secret) => secret.maskIn(sofar), text);
    return PATTERNS.reduce((sofar, [pattern, shown]) => sofar.replaceAll(pattern, shown), masked);
  };
}

/** The report without secrets, with texts of a length that people read: all that alerts ever see of it. */
export function redactReport(report: RunReport, redact: Redact): RunReport {
  const safe = (text: string, limit: number): string => clip(oneLine(redact(text)), limit);
  const safeStep = (step: StepReport): StepReport => ({
    ...step,
    title: oneLine(redact(step.title)),
    summary: safe(step.summary, SUMMARY_LIMIT),
    remediation: step.remediation.slice(0, REMEDIATIONS_LIMIT).map((line) => safe(line, REMEDIATION_LIMIT)),
  });
  return {
    ...report,
    project: oneLine(redact(report.project)),
    host: oneLine(redact(report.host)),
    command: oneLine(redact(report.command)),
    tasks: report.tasks.map((task) => ({ ...task, steps: task.steps.map(safeStep) })),
  };
}
