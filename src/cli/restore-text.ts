import type { PlannedRestore, Restored } from '../backups/restore-database.ts';
import type { RestoredTable } from '../backups/restore-bring-back.ts';
import { settingLines } from '../backups/restore-settings.ts';
import { swapLines, undoLines, type Swap } from '../backups/restore-swap.ts';
import { printable } from '../base/printable.ts';
import { formatDuration, plural } from '../base/units.ts';
import { quotedForShell } from '../base/shell-word.ts';
import type { RestoreInvocation } from './restore-invocation.ts';
import { bringBackDocument, bringBackLines, partLines } from './restore-part-text.ts';

/** What was asked for, or done. */
export interface RestoreStory {
  readonly plan: PlannedRestore;
  readonly names: Swap;
  /** How to bring back the tables of a part; empty otherwise. */
  readonly tables: readonly RestoredTable[];
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
  const { part } = plan;
  const isGood = restored !== undefined && restored.findings.length === 0;
  return {
    format: 1,
    maint: version,
    backup: plan.manifest.id,
    copy: plan.entry.store.name,
    database: plan.name,
    verdict: restored === undefined ? 'not-run' : isGood ? 'done' : 'fail',
    tables: Object.keys(plan.tables).length,
    rows: rowsOf(story),
    part: part === undefined ? null : { tables: part.tables, empty: part.empty, leftOut: part.leftOut },
    createdRoles: plan.server.roles,
    notices: plan.server.notices,
    findings: restored?.findings ?? [],
    kept: restored?.isKept ?? false,
    seconds: { load: restored?.loadSeconds ?? null, indexes: restored?.indexSeconds ?? null },
    swapped: isGood && invocation.swap,
    swap: part === undefined ? swapLines(names) : [],
    undo: part === undefined ? undoLines(names) : [],
    settings: part === undefined ? settingLines(plan.manifest, nameNow(invocation, story)) : [],
    bringBack: bringBackDocument(story),
    unfinished: plan.unfinished.filter(({ isDead }) => isDead).map(({ database }) => database),
  };
}

function linesOf(invocation: RestoreInvocation, story: RestoreStory): readonly string[] {
  const { restored, plan } = story;
  if (restored === undefined) return [...intendedLines(story), 'Nothing is in the way.'];
  if (restored.findings.length > 0) return failedLines(story);
  if (invocation.swap) return swappedLines(story);
  return plan.part === undefined ? restoredLines(story) : restoredPartLines(story);
}

/** What would be done. */
export function intendedLines({ plan }: Pick<RestoreStory, 'plan'>): readonly string[] {
  const { host, port } = plan.connection;
  return [
    `would restore ${sizeOf({ plan })}`,
    `  from  ${plan.entry.location}, as it was at ${plan.manifest.snapshot.takenAt}`,
    `  into  the new database ${plan.name} on ${host}:${port}, ${plural(plan.jobs, 'index', 'indexes')} at a time`,
    ...plan.server.roles.map((role) => `  make  the role ${role}, without a login`),
    ...plan.server.notices.map((notice) => `  note  ${notice}`),
    ...partLines(plan),
  ];
}

function failedLines({ plan, restored }: RestoreStory): readonly string[] {
  return [
    ...(restored?.findings ?? []).map(({ detail, message }) => `✗ ${message} (${detail})`),
    restored?.isKept === true
      ? `${plan.name} is kept as it is; do not use it for more than a look: dropdb ${quotedForShell(plan.name)}`
      : `${plan.name} was dropped again; the live database was not touched.`,
    'Next: restore an older backup. The ids are the names of the folders beside this one:',
    `  ${plan.entry.location}`,
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
    ...lookLines(plan),
    ...settingsLines(story, plan.name),
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

function restoredPartLines(story: RestoreStory): readonly string[] {
  const { plan } = story;
  return [
    headline(story),
    ...partLines(plan),
    '',
    ...lookLines(plan),
    ...bringBackLines(story),
    '',
    'When you need it no more:',
    `  dropdb ${quotedForShell(plan.name)}`,
  ];
}

function lookLines({ name, connection: { host, port, user } }: PlannedRestore): readonly string[] {
  return [
    `Look at it (with PGHOST=${host} PGPORT=${port} PGUSER=${user}, as below):`,
    `  psql --dbname=${quotedForShell(name)}`,
  ];
}

function swappedLines(story: RestoreStory): readonly string[] {
  const { names } = story;
  return [
    headline(story),
    `It is now ${names.live}${names.before === undefined ? '' : `; what was there is ${names.before}`}.`,
    ...settingsLines(story, names.live),
    '',
    'Take that back:',
    ...sqlLines(undoLines(names)),
    ...(names.before === undefined
      ? []
      : ['', 'When you are sure, and not before:', `  dropdb ${quotedForShell(names.before)}`]),
  ];
}

/** The settings stay with the database when it changes its name. */
function settingsLines({ plan }: RestoreStory, database: string): readonly string[] {
  const lines = settingLines(plan.manifest, database);
  if (lines.length === 0) return [];
  return ['', 'Give it the settings that it had; no dump brings them back:', ...asScript(lines)];
}

function nameNow({ swap }: RestoreInvocation, { plan, names, restored }: RestoreStory): string {
  return swap && restored?.findings.length === 0 ? names.live : plan.name;
}

function headline(story: RestoreStory): string {
  const { plan, restored } = story;
  const seconds = (restored?.loadSeconds ?? 0) + (restored?.indexSeconds ?? 0);
  return `✓ ${plan.name} holds ${sizeOf(story)}, all as backed up, in ${formatDuration(seconds * 1_000)}`;
}

/** Connected to a database that is neither of the two; not indented, for a shell knows the last line only so. */
function sqlLines(lines: readonly string[]): readonly string[] {
  return asScript(['BEGIN;', ...lines, 'COMMIT;']);
}

function asScript(lines: readonly string[]): readonly string[] {
  return ["psql --dbname=postgres --set=ON_ERROR_STOP=1 <<'SQL'", ...lines, 'SQL'];
}

function excludedLines({ plan }: RestoreStory): readonly string[] {
  return plan.part === undefined ? plan.manifest.excluded.map((line) => `not in the backup: ${line}`) : [];
}

function sizeOf({ plan }: Pick<RestoreStory, 'plan'>): string {
  const count = plural(Object.keys(plan.tables).length, 'table');
  const rows = plural(rowsOf({ plan }), 'row');
  if (plan.part !== undefined) return `${count} of backup ${plan.manifest.id}: ${rows}`;
  return `backup ${plan.manifest.id}: ${count}, ${rows}`;
}

function rowsOf({ plan }: Pick<RestoreStory, 'plan'>): number {
  return Object.values(plan.tables).reduce((sum, { rows }) => sum + rows, 0);
}
