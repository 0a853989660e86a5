import { writeTextFile } from '../adapters/text-file.ts';
import type { World } from '../base/world.ts';
import type { RunReport } from '../engine/report.ts';
import { toAnnotations } from './github.ts';
import type { RunInvocation } from './invocation.ts';
import { toJson } from './json.ts';
import { toJunit } from './junit.ts';
import { toNagios } from './nagios.ts';
import { toPrometheus, type Remembered } from './prometheus.ts';
import { paintFor } from './style.ts';
import { clean, toText } from './text.ts';

/** Where a report goes besides stdout. */
interface Publication {
  readonly invocation: RunInvocation;
  /** The file of the configuration for node_exporter; undefined where there is none. */
  readonly textfile: string | undefined;
  readonly remembered: Remembered;
  /** Was all that is wrong told before? Then people are not told again; programs get their document all the same. */
  readonly isKnown?: boolean;
  /** Lines for people about what is over, and was told of before. */
  readonly over?: readonly string[];
}

/** Whoever runs node_exporter is someone else. */
const TEXTFILE_MODE = 0o644;

/**
 * Hands a report to the people and programs that asked for it.
 * @throws MaintError FILE_UNUSABLE when the JUnit file or the textfile cannot be written
 */
export function publish(report: RunReport, publication: Publication, world: World): void {
  const { invocation, textfile, remembered, isKnown = false, over = [] } = publication;
  const { format, junit, cron, failOn, common } = invocation;
  const { stdout, stderr, env } = world;
  const style = { columns: stdout.columns, paint: paintFor(common.color, env, stdout), cron };
  const write = {
    text: () => [...(isKnown ? [] : [toText(report, style)]), ...over.map((line) => `${clean(line)}\n`)].join(''),
    json: () => toJson(report),
    nagios: () => toNagios(report),
    prometheus: () => toPrometheus(report, remembered),
  }[format];
  stdout.write(write());
  // On stderr, so that stdout stays the one document it is.
  if (env['GITHUB_ACTIONS'] === 'true') stderr.write(toAnnotations(report, failOn));
  if (junit !== undefined) writeTextFile(junit, toJunit(report, failOn));
  // One run without health must not take its numbers out of the file that all of them share.
  const shared = report.tasks.some(({ task }) => task === 'health') && !report.dryRun ? textfile : undefined;
  for (const path of new Set([invocation.textfile, shared]))
    if (path !== undefined) writeTextFile(path, toPrometheus(report, remembered), TEXTFILE_MODE);
}
