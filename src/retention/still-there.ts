import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import type { Found } from './prepare.ts';

/** What a rule is still about once its turn has come: rules before it may have taken partitions of the same table. */
export async function stillThere(database: Reader, found: Found): Promise<Found> {
  const { targets, partitions } = found;
  const old = partitions?.old ?? [];
  const rows = await database.rows(standing([...targets, ...old].map(({ oid }) => oid)));
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

const standing = (oids: readonly string[]) => sql<{ oid: string; isPartition: boolean }>`
  SELECT oid::text AS oid, relispartition AS "isPartition" FROM pg_class WHERE oid = ANY(${oids}::oid[])`;
