import { writeTextFile } from '../adapters/text-file.ts';
import type { World } from '../base/world.ts';
import type { RunReport } from '../engine/report.ts';
import { toAnnotations } from './github.ts';
import type { RunInvocation } from './invocation.ts';
import { toJson } from './json.ts';
import { toJunit } from './junit.ts';
import { toNagios } from './nagios.ts';
import { toPrometheus } from './prometheus.ts';
import { paintFor } from './style.ts';
import { toText } from './text.ts';

/**
 * Hands a report to the people and programs that asked for it.
 * @throws MaintError FILE_UNUSABLE when the JUnit file cannot be written
 */
export function publish(report: RunReport, invocation: RunInvocation, world: World): void {
  const { format, junit, cron, failOn, common } = invocation;
  const { stdout, stderr, env } = world;
  const style = { columns: stdout.columns, paint: paintFor(common.color, env, stdout), cron };
  const write = {
    text: () => toText(report, style),
    json: () => toJson(report),
    nagios: () => toNagios(report),
    prometheus: () => toPrometheus(report),
  }[format];
  stdout.write(write());
  // On stderr, so that stdout stays the one document it is.
  if (env['GITHUB_ACTIONS'] === 'true') stderr.write(toAnnotations(report, failOn));
  if (junit !== undefined) writeTextFile(junit, toJunit(report, failOn));
}
