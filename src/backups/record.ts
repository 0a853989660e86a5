import type { ClientProgram } from '../adapters/client-programs.ts';
import type { CountedTable } from './archive-rows.ts';
import type { Catalog } from './catalog.ts';
import type { Companions } from './companions.ts';
import type { Dump } from './dump.ts';
import { type Manifest, type ManifestTable } from './manifest.ts';
import type { Source } from './source.ts';
import { parseCopy, tableKey } from './table-name.ts';
import { compareRows, type RowDifference } from './row-differences.ts';

/** Source and dump, table by table. */
export interface Comparison {
  readonly tables: Manifest['tables'];
  readonly differences: readonly RowDifference[];
}

/** Holds what the dump was found to contain against what the snapshot held. Tables are matched by oid. */
export function compareDump(source: Source, dumped: readonly CountedTable[]): Comparison {
  const expected = new Map([...source.rows].map(([oid, table]) => [oid, table.rows]));
  const found = new Map(dumped.map((table) => [table.oid, table.rows]));
  const names = new Map([
    ...[...source.rows].map(([oid, { schema, name }]) => [oid, tableKey(schema, name)] as const),
    ...dumped.map(({ oid, schema, name }) => [oid, tableKey(schema, name)] as const),
  ]);
  return {
    tables: Object.fromEntries(
      dumped.map((table) => [
        tableKey(table.schema, table.name),
        { ...manifestTable(table), ...partition(source.rows.get(table.oid)?.partitionOf) },
      ]),
    ),
    differences: compareRows(expected, found).map((difference) => ({
      ...difference,
      table: names.get(difference.table) ?? difference.table,
    })),
  };
}

/** The same where only the rows by name are known, because pg_restore had to read the archive. */
export function compareDecoded(source: Source, found: ReadonlyMap<string, number>): Comparison {
  const known = [...source.rows.values()];
  const expected = new Map(known.map(({ schema, name, rows }) => [tableKey(schema, name), rows]));
  const roots = new Map(known.map(({ schema, name, partitionOf }) => [tableKey(schema, name), partitionOf]));
  return {
    tables: Object.fromEntries([...found].map(([table, rows]) => [table, { rows, ...partition(roots.get(table)) }])),
    differences: compareRows(expected, found),
  };
}

function manifestTable({ schema, name, rows, bytes, copyStatement }: CountedTable): ManifestTable {
  const target = parseCopy(copyStatement)?.table;
  return target === undefined || target === tableKey(schema, name)
    ? { rows, bytes }
    : { rows, bytes, loadedInto: target };
}

function partition(root: string | undefined): Pick<ManifestTable, 'partitionOf'> {
  return root === undefined ? {} : { partitionOf: root };
}

/** Everything the manifest says that is not in dump or source. */
export interface RecordRequest {
  readonly id: string;
  readonly label: string;
  /** Empty where nothing is encrypted. */
  readonly recipients: readonly string[];
  readonly pgDump: ClientProgram;
  readonly zstd: string | undefined;
  readonly serverMajor: number;
  readonly snapshotId: string;
  readonly source: Source;
  readonly catalog: Catalog;
  readonly companions: Companions;
  readonly dump: Dump;
  readonly tables: Manifest['tables'];
  readonly dumpSeconds: number;
  readonly now: Date;
}

/** Puts the manifest of a verified backup together. */
export function makeManifest(request: RecordRequest): Manifest {
  const { id, label, recipients, pgDump, zstd, source, dump, dumpSeconds, now } = request;
  const { artifacts, ...companions } = request.companions;
  const { server, lsn, elsewhere, untold, ...catalog } = request.catalog;
  return {
    format: 'maint-backup/1',
    id,
    label,
    tools: { pgDump: pgDump.version, pgDumpMajor: pgDump.major, zstd: zstd === undefined ? 'node:zlib' : 'zstd' },
    server: {
      version: source.serverVersion,
      major: request.serverMajor,
      encoding: source.encoding,
      isStandby: source.isStandby,
      ...server,
    },
    database: source.database,
    snapshot: {
      id: request.snapshotId,
      takenAt: source.takenAt.toISOString(),
      ...(lsn !== undefined && { lsn }),
    },
    artifacts: [dump.artifact, ...artifacts],
    ...(recipients.length > 0 && { encryption: { recipients: [...recipients] } }),
    tables: request.tables,
    ...catalog,
    ...(dump.schemaSha256 !== undefined && { schemaSha256: dump.schemaSha256 }),
    ...companions,
    excluded: [...source.excluded, ...elsewhere],
    untold: [...untold],
    warnings: [...dump.warnings],
    anomalies: [],
    durations: { dump: dumpSeconds },
    verify: { level: 'decode', at: now.toISOString(), result: 'pass' },
  };
}
