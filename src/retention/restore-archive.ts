import type { Database } from '../adapters/postgres.ts';
import type { AgeColumn } from './cutoff.ts';
import { consentRefusals } from './references.ts';
import type { Refusal } from './refusal.ts';
import { restoreSegments } from './restore-segments.ts';
import { restoreTable } from './restore-table.ts';
import { readSelection, type Selection, type Wanted } from './selection.ts';
import type { Rule } from './settings.ts';
import { findTable, nameOfTable, primaryKeyOf, type TableFacts } from './table-facts.ts';
import { findFamily, type Family } from './target.ts';

/** Rows that are to come back. */
export interface ArchiveRestore {
  readonly rule: AgeColumn & Pick<Rule, 'allowTriggers'>;
  readonly from: { readonly table: string } | { readonly folder: string };
  readonly wanted: Wanted;
  /** Only look. */
  readonly dryRun: boolean;
  readonly database: Database;
  readonly timezone: string;
  readonly signal: AbortSignal;
  now(): Date;
  /** Told how many rows were looked at so far. */
  onRows(rows: number): void;
}

/** What came back. */
export interface Restored {
  /** `public.events`. */
  readonly table: string;
  /** Rows of the archive that are meant. */
  readonly found: number;
  /** Those whose key the table has: they stay as they are there. */
  readonly existing: number;
  /** Those that were put back; in a dry run those that would be. */
  readonly restored: number;
}

/** Where rows come back to, and which. */
export interface Homecoming {
  /** The table that they left. */
  readonly root: TableFacts;
  /** Its primary key. */
  readonly key: readonly string[];
  readonly selection: Selection;
}

/**
 * Brings archived rows back into their table; a row whose key is there already is left alone on both sides. Out of a table
 * they are moved, out of files they are copied.
 * @returns refusals where nothing was touched
 * @throws MaintError where rows could not be put back, or were not the same afterwards
 */
export async function restoreArchive(request: ArchiveRestore): Promise<Restored | readonly Refusal[]> {
  const { database, rule, timezone, wanted, from } = request;
  const family = await findFamily(database, rule);
  if ('reason' in family) return [family];
  const [target] = family.targets;
  const root = await findTable(database, rule.table);
  const key = root === undefined ? undefined : primaryKeyOf(root);
  if (root === undefined || target === undefined || key === undefined)
    return [
      {
        detail: 'prune.archive',
        reason: `${rule.table} has no primary key, by which rows are told apart`,
        remediation: [`ALTER TABLE ${rule.table} ADD PRIMARY KEY (...);`],
      },
    ];
  const refusals = await standInTheWay(request, { root, family });
  if (refusals.length > 0) return refusals;
  const selection = await readSelection(database, { wanted, rule, target, timezone });
  if ('reason' in selection) return [selection];
  const home: Homecoming = { root, key, selection };
  return 'table' in from ? restoreTable(request, from.table, home) : restoreSegments(request, from.folder, home);
}

async function standInTheWay(
  { database, rule }: ArchiveRestore,
  { root, family }: { readonly root: TableFacts; readonly family: Family },
): Promise<readonly Refusal[]> {
  const name = nameOfTable(root);
  if (!root.privileges.includes('INSERT'))
    return [
      {
        detail: 'prune.privilege',
        reason: `the role may not insert into ${name}`,
        remediation: [`GRANT INSERT ON ${name} TO the role in the database URL;`],
      },
    ];
  return consentRefusals(database, { oids: family.oids, event: 'INSERT', rule });
}
