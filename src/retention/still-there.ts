import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import type { Found } from './prepare.ts';

/**
 * What a rule is still about once its turn has come: rules before it may have taken partitions of the same table.
 * @throws MaintError STATEMENT_FAILED where a table was renamed, so that its name may mean one that nobody has looked at
 */
export async function stillThere(database: Reader, found: Found): Promise<Found> {
  const { targets, partitions } = found;
  const old = partitions?.old ?? [];
  const rows = await database.rows(standing([...targets, ...old].map(({ oid }) => oid)));
  const names = new Map(rows.map((row) => [row.oid, row.name]));
  for (const { oid, name } of [...targets, ...old])
    if (names.has(oid) && names.get(oid) !== name) throw otherTable(name);
  const isPartition = new Map(rows.map((row) => [row.oid, row.isPartition]));
  return {
    ...found,
    targets: targets.filter(
      (one) => isPartition.has(one.oid) && (!one.isPartition || isPartition.get(one.oid) === true),
    ),
    ...(partitions !== undefined && {
      partitions: {
        ...partitions,
        old: old.filter(
          ({ oid, state }) => isPartition.has(oid) && (state !== 'attached' || isPartition.get(oid) === true),
        ),
      },
    }),
  };
}

/** What to say where a name no longer means what was looked at. */
export function otherTable(name: string): MaintError {
  return new MaintError(
    'STATEMENT_FAILED',
    `${name} is no longer the table that was looked at: it was renamed or replaced`,
    {
      hint: 'Run it again: the next run looks anew.',
      detail: 'prune.replaced',
    },
  );
}

const standing = (oids: readonly string[]) => sql<{ oid: string; name: string; isPartition: boolean }>`
  SELECT c.oid::text AS oid, n.nspname || '.' || c.relname AS name, c.relispartition AS "isPartition"
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = ANY(${oids}::oid[])`;
