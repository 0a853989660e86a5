import { z } from 'zod';

const count = z.int().nonnegative();

const table = z.object({
  rows: count,
  /** The table that the COPY in the dump names, where it is another one: the root of partitions that are loaded through it. */
  loadedInto: z.string().optional(),
});

const artifact = z.object({
  path: z.string(),
  bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** What was applied, first to last. */
  codec: z.array(z.string()),
});

/** What a backup says about itself. Unknown fields are allowed, so that a newer maint can add some. */
const manifestSchema = z.object({
  format: z.literal('maint-backup/1'),
  id: z.string(),
  label: z.string(),
  tools: z.object({ pgDump: z.string(), pgDumpMajor: z.int(), zstd: z.string() }),
  server: z.object({ version: z.string(), major: z.int(), encoding: z.string(), isStandby: z.boolean() }),
  database: z.string(),
  snapshot: z.object({ id: z.string(), takenAt: z.iso.datetime() }),
  artifacts: z.array(artifact),
  tables: z.record(z.string(), table),
  /** What pg_dump leaves out of this database, one line each. */
  excluded: z.array(z.string()),
  /** What pg_dump said although it succeeded. */
  warnings: z.array(z.string()),
  /** Seconds by phase. */
  durations: z.record(z.string(), z.number()),
  verify: z.object({ level: z.literal('decode'), at: z.iso.datetime(), result: z.literal('pass') }),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type Artifact = z.infer<typeof artifact>;
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

/** Rows by the table that a COPY of the dump loads, which is how a decoded dump can be compared. */
export function rowsByTarget(tables: Manifest['tables']): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  for (const [name, table] of Object.entries(tables)) {
    const target = table.loadedInto ?? name;
    rows.set(target, (rows.get(target) ?? 0) + table.rows);
  }
  return rows;
}

/** A table whose rows differ between two countings; undefined where it is missing. */
export interface RowDifference {
  readonly table: string;
  readonly expected: number | undefined;
  readonly found: number | undefined;
}

/** Compares two countings, table by table, sorted by name. */
export function compareRows(
  expected: ReadonlyMap<string, number>,
  found: ReadonlyMap<string, number>,
): readonly RowDifference[] {
  return [...new Set([...expected.keys(), ...found.keys()])]
    .toSorted()
    .map((table) => ({ table, expected: expected.get(table), found: found.get(table) }))
    .filter((difference) => difference.expected !== difference.found);
}
