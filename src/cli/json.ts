import { redacted } from '../base/printable.ts';
import type { RunReport } from '../engine/report.ts';

/** The report as exactly one JSON document: the report itself. */
export function toJson(report: RunReport): string {
  return `${JSON.stringify(report, (_, value: unknown) => (typeof value === 'string' ? redacted(value) : value), 2)}\n`;
}
