import type { PlannedFiles, RestoredFiles } from '../backups/restore-files.ts';
import { printable } from '../base/printable.ts';
import { formatBytes, formatDuration, plural } from '../base/units.ts';
import { quotedForShell } from '../base/shell-word.ts';
import type { RestoreFilesInvocation } from './restore-invocation.ts';

interface FilesStory {
  readonly plan: PlannedFiles;
  /** Undefined in a dry run. */
  readonly restored: RestoredFiles | undefined;
}

/** What `maint restore --files` says at its end, for a person or a program. Ends with a line break. */
export function restoreFilesText({ format }: RestoreFilesInvocation, story: FilesStory, version: string): string {
  if (format === 'json') return `${JSON.stringify(documentOf(story, version))}\n`;
  return linesOf(story)
    .map((line) => `${printable(line)}\n`)
    .join('');
}

function documentOf({ plan, restored }: FilesStory, version: string): object {
  const { report, manifest, entry, target, overwrites } = plan;
  const isGood = restored?.findings.length === 0;
  return {
    format: 1,
    maint: version,
    backup: manifest.id,
    copy: entry.store.name,
    files: report.name,
    directory: target,
    overwrite: overwrites,
    verdict: restored === undefined ? 'not-run' : isGood ? 'done' : 'fail',
    count: report.files,
    bytes: report.bytes,
    findings: restored?.findings ?? [],
    keptIn: restored?.keptIn ?? null,
    seconds: restored?.seconds ?? null,
  };
}

function linesOf({ plan, restored }: FilesStory): readonly string[] {
  const { target, overwrites, exists, entry, manifest, report } = plan;
  const what = `${plural(report.files, 'file')} (${formatBytes(report.bytes)}) of ${report.name}`;
  if (restored === undefined)
    return [
      `would restore ${what}`,
      `  from  ${entry.location}, as they were at ${manifest.snapshot.takenAt}`,
      `  into  ${target}${exists ? '' : ', which is made'}`,
      ...(overwrites ? ['  note  files of the same names there are replaced, all others stay'] : []),
      ...noteLines(plan),
      'Nothing is in the way.',
    ];
  if (restored.findings.length > 0)
    return [
      ...restored.findings.map(({ detail, message }) => `✗ ${message} (${detail})`),
      restored.keptIn === undefined
        ? `What was unpacked was removed again; ${target} was not touched.`
        : `What was unpacked is kept for a look in ${restored.keptIn}; ${target} was not touched.`,
      'Next: take another copy with --copy, or an older backup: maint backups list',
    ];
  return [
    `✓ ${target} holds ${what}, each read back against its checksum, in ${formatDuration(restored.seconds * 1_000)}`,
    ...noteLines(plan),
    ...(exists
      ? []
      : [
          'Only you can enter it yet; give it the rights that the application needs:',
          `  chmod 755 ${quotedForShell(target)}`,
        ]),
  ];
}

/** What was not as it should be when they were backed up. */
function noteLines({ report }: PlannedFiles): readonly string[] {
  const { changed, vanished, unreadable, special } = report;
  return [
    ...(changed > 0
      ? [`  note  ${plural(changed, 'file')} changed while they were backed up: they may be half old, half new`]
      : []),
    ...(unreadable > 0
      ? [`  note  ${plural(unreadable, 'entry', 'entries')} could not be read then, and lack or are full of zeros`]
      : []),
    ...(vanished + special > 0
      ? [
          `  note  ${plural(vanished + special, 'entry', 'entries')} vanished meanwhile, or were no files: they are not in it`,
        ]
      : []),
  ];
}
