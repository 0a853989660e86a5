import { z } from 'zod';
import { receiptHead } from './receipt-head.ts';
import { catalogFields, fileSetReport, globalsReport, serverFields } from './manifest-fields.ts';

const count = z.int().nonnegative();

const table = z.object({
  rows: count,
  /** Of its rows as COPY writes them; undefined where only pg_restore can read the dump, and in backups of an older maint. */
  bytes: count.optional(),
  /** The table that the COPY in the dump names, where it is another one: the root of partitions that are loaded through it. */
  loadedInto: z.string().optional(),
  /** The partitioned table that it is a leaf of, through whatever lies between. */
  partitionOf: z.string().optional(),
});

const artifact = z.object({
  path: z.string(),
  bytes: count,
  /** What the codecs were applied to; undefined where nobody counted, and in backups of an older maint. */
  contentBytes: count.optional(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** What was applied, first to last. */
  codec: z.array(z.string()),
});

/** Something about a backup that was not so with the ones before it. */
const anomaly = z.object({
  /** Dotted name for programs: `anomaly.rows`. */
  detail: z.string(),
  /** Null where it is about the backup as a whole. */
  table: z.string().nullable(),
  message: z.string(),
  /** Freezes expiry until a person has acknowledged it. */
  isSuspicious: z.boolean(),
});

/** What a backup says about itself. Unknown fields are allowed, so that a newer maint can add some. */
const manifestSchema = z.object({
  format: z.literal('maint-backup/1'),
  id: z.string(),
  label: z.string(),
  tools: z.object({ pgDump: z.string(), pgDumpMajor: z.int(), zstd: z.string() }),
  server: z.object({
    version: z.string(),
    major: z.int(),
    encoding: z.string(),
    isStandby: z.boolean(),
    ...serverFields,
  }),
  database: z.string(),
  snapshot: z.object({
    id: z.string(),
    takenAt: z.iso.datetime(),
    /** How far the server had come when it was taken, as `pg_lsn`. */
    lsn: z.string().optional(),
  }),
  artifacts: z.array(artifact),
  /** Public keys of age, each of which the artifacts are encrypted to; undefined where they are not encrypted. */
  encryption: z.object({ recipients: z.array(z.string()) }).optional(),
  tables: z.record(z.string(), table),
  ...catalogFields,
  /** How far the receipts of this host had come, so that it is noticed when their last ones go. */
  receipts: receiptHead.optional(),
  /** What was done about roles; undefined where nobody asked for them. */
  globals: globalsReport.optional(),
  fileSets: z.array(fileSetReport).optional(),
  /** What is not in the backup, one line each: what pg_dump leaves out of this database, and what lies beside it. */
  excluded: z.array(z.string()),
  /** Facts that the server would not tell, one line each. */
  untold: z.array(z.string()).optional(),
  /** What pg_dump said although it succeeded. */
  warnings: z.array(z.string()),
  anomalies: z.array(anomaly).default([]),
  /** Seconds by phase. */
  durations: z.record(z.string(), z.number()),
  verify: z.object({ level: z.literal('decode'), at: z.iso.datetime(), result: z.literal('pass') }),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type Artifact = z.infer<typeof artifact>;
export type Anomaly = z.infer<typeof anomaly>;
export type ManifestTable = z.infer<typeof table>;

/** Writes a manifest as people and programs read it. */
export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/**
 * Reads a manifest.
 * @returns the manifest, or one line that says what is wrong with it
 */
export function parseManifest(text: string): Manifest | string {
  const parsed = manifestSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') || 'manifest'}: ${issue?.message ?? 'not understood'}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Said by the schema, which refuses undefined.
    return undefined;
  }
}

/** The dump among the artifacts; undefined where there is none. */
export function dumpOf({ artifacts }: Pick<Manifest, 'artifacts'>): Artifact | undefined {
  return artifacts.find(({ codec }) => codec[0] === 'pg_dump-custom');
}

/** Rows by the table that a COPY of the dump loads, which is how a decoded dump can be compared. */
export function rowsByTarget(tables: Manifest['tables']): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  for (const [name, table] of Object.entries(tables)) {
    const target = table.loadedInto ?? name;
    rows.set(target, (rows.get(target) ?? 0) + table.rows);
  }
  return rows;
}
