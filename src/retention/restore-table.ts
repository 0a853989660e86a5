import type { Reader } from '../adapters/postgres.ts';
import { fragment, ident, sql, type Fragment } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { sweep } from './engine.ts';
import { openGates } from './gates.ts';
import { moveRows } from './move-rows.ts';
import { findReferences } from './references.ts';
import type { Refusal } from './refusal.ts';
import { namesRow, renamed } from './renamed.ts';
import type { ArchiveRestore, Homecoming, Restored } from './restore-archive.ts';
import { boundOf } from './selection.ts';
import { gatesSetting } from './settings.ts';
import { emptyTally } from './tally.ts';
import { findTable, missingColumns, nameOfTable, sourceOf, storedColumns, type TableFacts } from './table-facts.ts';
import { findFamily, type Target } from './target.ts';

/** How long a batch may wait for a lock. */
const LOCK_TIMEOUT_MS = 2_000;

/** Moves rows from a table of the archive back, in the same batches that took them there. */
export async function restoreTable(
  request: ArchiveRestore,
  archive: string,
  { root, key, selection }: Homecoming,
): Promise<Restored | readonly Refusal[]> {
  const { database, rule, dryRun, signal, timezone } = request;
  const family = await findFamily(database, { table: archive, age: rule.age });
  if ('reason' in family) return [family];
  const { targets } = family;
  const [first] = targets;
  if (first === undefined) return { table: nameOfTable(root), found: 0, existing: 0, restored: 0 };
  const existing = isThere({ root, key });
  let counts = { found: 0, existing: 0 };
  for (const target of targets) {
    const [row] = await database.rows(countIn(target, { existing, meant: meantOf(target, selection) }));
    counts = { found: counts.found + (row?.found ?? 0), existing: counts.existing + (row?.existing ?? 0) };
  }
  const lost = await homeless(database, { archive, targets, home: { root, key, selection } });
  if (lost.length > 0) return [lossRefusal(archive, root, lost)];
  const told = { table: nameOfTable(root), ...counts };
  if (dryRun) return { ...told, restored: counts.found - counts.existing };
  // What is archived is older than the present.
  const before = selection.before ?? (await boundOf(database, 'now', { rule, target: first, timezone }));
  if (typeof before === 'object') return [before];
  const limits = gatesSetting.parse({});
  const tally = emptyTally();
  await sweep(
    {
      database,
      signal,
      targets,
      action: moveRows({
        into: ident(root.schema, root.name),
        name: told.table,
        columns: storedColumns(root).map(({ name }) => name),
        references: await findReferences(database, family),
      }),
      doom: {
        cutoff: { at: before, key: before },
        where: fragment`${selection.where} AND NOT ${existing}`,
      },
      pace: 'full',
      partitions: undefined,
      counted: new Map(),
      lockTimeoutMs: LOCK_TIMEOUT_MS,
      gates: await openGates(database, limits),
      patienceMs: limits.patience,
      budget: { until: undefined, rowsLeft: undefined, isOpen: () => true },
      now: () => request.now(),
      onRows: (rows) => request.onRows(rows),
    },
    tally,
  );
  if (tally.ending !== 'finished')
    throw new MaintError(
      tally.ending === 'stopped' ? 'CANCELLED' : 'LOCK_TIMED_OUT',
      `${tally.rows} of ${counts.found - counts.existing} rows came back to ${told.table}, then it ended: ${tally.ending}`,
      { hint: 'Run it again: it goes on with the rest.' },
    );
  return { ...told, restored: tally.rows };
}

/** Columns that the table lacks, and in which rows that would move back hold what nobody can make anew. */
async function homeless(
  database: Reader,
  {
    archive,
    targets,
    home,
  }: { readonly archive: string; readonly targets: readonly Target[]; readonly home: Homecoming },
): Promise<readonly string[]> {
  const table = await findTable(database, archive);
  const alone = (table?.columns ?? [])
    .filter(
      ({ name, hasDefault, isGenerated }) =>
        !hasDefault && !isGenerated && missingColumns(home.root, [name]).length > 0,
    )
    .map(({ name }) => name);
  const lost: string[] = [];
  for (const name of alone)
    for (const target of targets) {
      const [row] = await database.rows(sql<{ found: boolean }>`
        SELECT EXISTS (SELECT FROM ONLY ${target.table}
                        WHERE ${meantOf(target, home.selection)} AND NOT ${isThere(home)} AND ${ident(name)} IS NOT NULL) AS found`);
      if (row?.found === true && !lost.includes(name)) lost.push(name);
    }
  return lost;
}

function lossRefusal(archive: string, root: TableFacts, lost: readonly string[]): Refusal {
  return {
    detail: 'prune.archive',
    reason: `rows of ${archive} hold values in ${lost.join(', ')}, for which ${nameOfTable(root)} has no column: they would be lost`,
    remediation: [`ALTER TABLE ${nameOfTable(root)} ADD COLUMN ...; -- or leave such rows out with --where`],
  };
}

function meantOf({ age, ageCast }: Target, { where, before }: Homecoming['selection']): Fragment {
  return before === undefined ? where : fragment`${age} < ${before}::${ageCast} AND ${where}`;
}

/** Does the table have the key of the row that is asked about? */
export function isThere({ root, key }: Pick<Homecoming, 'root' | 'key'>): Fragment {
  return fragment`EXISTS (SELECT FROM (SELECT ${renamed(key)} FROM ${sourceOf(root)}) living WHERE ${namesRow(key)})`;
}

function countIn({ table }: Target, { existing, meant }: { readonly existing: Fragment; readonly meant: Fragment }) {
  return sql<Pick<Restored, 'found' | 'existing'>>`
    SELECT count(*)::float8 AS found, (count(*) FILTER (WHERE ${existing}))::float8 AS existing
      FROM ONLY ${table} WHERE ${meant}`;
}
