import type { PlannedRestore, Restored } from '../backups/restore-database.ts';
import { swapLines, undoLines, type Swap } from '../backups/restore-swap.ts';
import { printable } from '../base/printable.ts';
import { formatDuration, plural } from '../base/units.ts';
import { quotedForShell } from './cron-line.ts';
import type { RestoreInvocation } from './invocation.ts';

/** What was asked for, or done. */
export interface RestoreStory {
  readonly plan: PlannedRestore;
  readonly names: Swap;
  /** Undefined in a dry run. */
  readonly restored: Restored | undefined;
}

/** What `maint restore` says at its end, for a person or a program. Ends with a line break. */
export function restoreText(invocation: RestoreInvocation, story: RestoreStory, version: string): string {
  if (invocation.format === 'json') return `${JSON.stringify(documentOf(invocation, story, version))}\n`;
  const lines = [...linesOf(invocation, story), ...excludedLines(story)];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function documentOf(invocation: RestoreInvocation, story: RestoreStory, version: string): object {
  const { plan, names, restored } = story;
  const isGood = restored !== undefined && restored.findings.length === 0;
  return {
    format: 1,
    maint: version,
    backup: plan.manifest.id,
    database: plan.name,
    verdict: restored === undefined ? 'not-run' : isGood ? 'done' : 'fail',
    tables: Object.keys(plan.manifest.tables).length,
    rows: rowsOf(story),
    createdRoles: plan.server.roles,
    findings: restored?.findings ?? [],
    kept: restored?.isKept ?? false,
    seconds: { load: restored?.loadSeconds ?? null, indexes: restored?.indexSeconds ?? null },
    swapped: isGood && invocation.swap,
    swap: swapLines(names),
    undo: undoLines(names),
  };
}

function linesOf(invocation: RestoreInvocation, story: RestoreStory): readonly string[] {
  const { restored } = story;
  if (restored === undefined) return intendedLines(story);
  if (restored.findings.length > 0) return failedLines(story);
  return invocation.swap ? swappedLines(story) : restoredLines(story);
}

function intendedLines(story: RestoreStory): readonly string[] {
  const { plan } = story;
  const { host, port } = plan.connection;
  return [
    `would restore ${sizeOf(story)}`,
    `  from  ${plan.folder}, as it was at ${plan.manifest.snapshot.takenAt}`,
    `  into  the new database ${plan.name} on ${host}:${port}, ${plural(plan.jobs, 'index', 'indexes')} at a time`,
    ...plan.server.roles.map((role) => `  make  the role ${role}, without a login`),
    'Nothing is in the way.',
  ];
}

function failedLines({ plan, restored }: RestoreStory): readonly string[] {
  return [
    ...(restored?.findings ?? []).map(({ detail, message }) => `✗ ${message} (${detail})`),
    restored?.isKept === true
      ? `${plan.name} is kept as it is; do not use it for more than a look: dropdb ${quotedForShell(plan.name)}`
      : `${plan.name} was dropped again; the live database was not touched.`,
    'Next: restore an older backup. The ids are the names of the folders beside this one:',
    `  ${plan.folder}`,
  ];
}

function restoredLines(story: RestoreStory): readonly string[] {
  const { plan, names } = story;
  const name = quotedForShell(plan.name);
  const change =
    names.before === undefined
      ? `Give it the name ${names.live}, which no database has now:`
      : `Put it in the place of ${names.live}; every session there is cut off, and its rows stay as ${names.before}:`;
  return [
    headline(story),
    '',
    `Look at it (with PGHOST=${plan.connection.host} PGPORT=${plan.connection.port} PGUSER=${plan.connection.user}, as below):`,
    `  psql --dbname=${name}`,
    '',
    change,
    ...sqlLines(swapLines(names)),
    '',
    'Take that back:',
    ...sqlLines(undoLines(names)),
    '',
    'Or remove it again:',
    `  dropdb ${name}`,
  ];
}

function swappedLines(story: RestoreStory): readonly string[] {
  const { names } = story;
  return [
    headline(story),
    `It is now ${names.live}${names.before === undefined ? '' : `; what was there is ${names.before}`}.`,
    '',
    'Take that back:',
    ...sqlLines(undoLines(names)),
    ...(names.before === undefined
      ? []
      : ['', 'When you are sure, and not before:', `  dropdb ${quotedForShell(names.before)}`]),
  ];
}

function headline(story: RestoreStory): string {
  const { plan, restored } = story;
  const seconds = (restored?.loadSeconds ?? 0) + (restored?.indexSeconds ?? 0);
  return `✓ ${plan.name} holds ${sizeOf(story)}, all as backed up, in ${formatDuration(seconds * 1_000)}`;
}

/** Connected to a database that is neither of the two; not indented, for a shell knows the last line only so. */
function sqlLines(lines: readonly string[]): readonly string[] {
  return ["psql --dbname=postgres --set=ON_ERROR_STOP=1 <<'SQL'", 'BEGIN;', ...lines, 'COMMIT;', 'SQL'];
}

function excludedLines({ plan }: RestoreStory): readonly string[] {
  return plan.manifest.excluded.map((line) => `not in the backup: ${line}`);
}

function sizeOf(story: RestoreStory): string {
  const { manifest } = story.plan;
  return `backup ${manifest.id}: ${plural(Object.keys(manifest.tables).length, 'table')}, ${plural(rowsOf(story), 'row')}`;
}

function rowsOf({ plan }: RestoreStory): number {
  return Object.values(plan.manifest.tables).reduce((sum, { rows }) => sum + rows, 0);
}
