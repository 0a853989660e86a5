import { quotedForShell } from '../base/shell-word.ts';
import { missingRowsLines, wholeTableLines, type RestoredTable } from '../backups/restore-bring-back.ts';
import type { PlannedRestore } from '../backups/restore-database.ts';
import type { Swap } from '../backups/restore-swap.ts';

/** What is known of a restored part. */
interface PartStory {
  readonly plan: PlannedRestore;
  readonly names: Swap;
  readonly tables: readonly RestoredTable[];
}

/** For more tables than these the commands are the same with other names. */
const SHOWN_TABLES = 10;

/** What came without its rows, and what did not come. */
export function partLines({ part }: Pick<PlannedRestore, 'part'>): readonly string[] {
  if (part === undefined) return [];
  return [
    ...part.empty.map((table) => `  without its rows, because something needs it: ${table}`),
    ...part.leftOut.map((line) => `  left out: ${line}`),
  ];
}

/** How to bring the rows of a part back into the live database, with stock programs. */
export function bringBackLines(story: PartStory): readonly string[] {
  const { tables, names } = story;
  const shown = tables.slice(0, SHOWN_TABLES);
  const more = tables.length - shown.length;
  return [
    '',
    `Bring rows back into ${names.live}: what is there stays as it is. In this order, for rows point to rows:`,
    ...shown.flatMap((table) => ['', ...tableLines(table, story)]),
    ...(more > 0 ? ['', `# and ${more} more tables, in the same way; --json has the commands of all`] : []),
  ];
}

/** The same for programs. */
export function bringBackDocument(story: PartStory): readonly object[] {
  return story.tables.map((table) => ({
    schema: table.schema,
    table: table.name,
    isLive: table.isLive ?? null,
    whole: wholeTableLines(table, moveOf(story), quotedForShell).join('\n'),
    missingRows: missingRowsLines(table, moveOf(story), quotedForShell).join('\n'),
  }));
}

function tableLines(table: RestoredTable, story: PartStory): readonly string[] {
  const name = `${table.schema}.${table.name}`;
  const noKey = table.hasKey ? '' : '; it has no key, so every row is added, also one that is still there';
  const whole = [`# ${name}, where it is gone:`, ...wholeTableLines(table, moveOf(story), quotedForShell)];
  const rows = [
    `# ${name}, where rows are missing${noKey}:`,
    ...missingRowsLines(table, moveOf(story), quotedForShell),
  ];
  if (table.isLive === undefined) return [...whole, ...rows];
  return table.isLive ? rows : whole;
}

function moveOf({ plan, names }: PartStory): { readonly from: string; readonly to: string } {
  return { from: plan.name, to: names.live };
}
