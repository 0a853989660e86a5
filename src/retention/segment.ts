import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, moveDurably, readIfThere, readPieces, removeFolder, syncFolder } from '../adapters/files.ts';
import { GrowingFile } from '../adapters/growing-file.ts';
import { writeTextFile } from '../adapters/text-file.ts';
import { compressed, decompressed, isDamaged } from '../adapters/zstd.ts';
import { MaintError } from '../base/errors.ts';

/** The rows, one JSON document per line. */
const ROWS = 'rows.ndjson.zst';
const MANIFEST = 'manifest.json';
/** Behind the name of a segment about whose rows it is not known yet that they left the table. */
const PARTIAL = '.partial';
const LEVEL = 6;

const manifestSchema = z.object({
  format: z.literal('maint-archive/1'),
  id: z.string(),
  rule: z.string(),
  database: z.string(),
  /** `public.events`. */
  table: z.string(),
  /** What each line holds, with the types that the columns had. */
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  key: z.array(z.string()),
  /** The age column, and the instant before which rows were old. */
  age: z.string(),
  cutoff: z.string(),
  rows: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  /** Of the file with the rows as it lies there. */
  sha256: z.string(),
  /** A segment whose rows are still in the table in part, and which this one stands for. */
  replaces: z.string().optional(),
});

/** What a segment says about itself. */
export type SegmentManifest = z.infer<typeof manifestSchema>;

/** What is known of a segment before its rows are written. */
export type SegmentHead = Omit<SegmentManifest, 'format' | 'rows' | 'bytes' | 'sha256'>;

/**
 * Writes rows and manifest under a name that says that they are not settled yet, flushes them, and reads them back from
 * the disk. Once this returns, the rows may leave their table.
 * @param lines without line breaks
 * @throws MaintError NO_SPACE, FILE_UNUSABLE; what was begun is removed again
 */
export async function writeSegment(folder: string, head: SegmentHead, lines: readonly string[]): Promise<void> {
  const partial = join(folder, head.id + PARTIAL);
  await makeFolder(folder);
  try {
    await makeFolder(partial);
    const content = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    const { bytes, sha256 } = await writeRows(join(partial, ROWS), content);
    const manifest: SegmentManifest = { format: 'maint-archive/1', ...head, rows: lines.length, bytes, sha256 };
    const read = await readRows(partial, manifest);
    if (!read.equals(content)) throw damaged(partial, 'what was read back is not what was written');
    writeTextFile(join(partial, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    await syncFolder(partial);
    await syncFolder(folder);
  } catch (error) {
    await removeFolder(partial);
    throw error;
  }
}

/** The rows have left the table for good: the segment gets its name. @throws MaintError FILE_UNUSABLE */
export async function settleSegment(folder: string, id: string): Promise<void> {
  await moveDurably(join(folder, id + PARTIAL), join(folder, id));
}

/** The rows have not left the table: the segment is given up. @throws MaintError FILE_UNUSABLE */
export async function dropSegment(folder: string, id: string): Promise<void> {
  await removeFolder(join(folder, id + PARTIAL));
  await syncFolder(folder);
}

/** Is this the name of a segment that is not settled? @returns its id */
export function unsettledId(name: string): string | undefined {
  return name.endsWith(PARTIAL) ? name.slice(0, -PARTIAL.length) : undefined;
}

/** Where a segment lies. */
export function segmentPath(
  folder: string,
  { id, isSettled }: { readonly id: string; readonly isSettled: boolean },
): string {
  return join(folder, isSettled ? id : id + PARTIAL);
}

/** @returns undefined where there is none: then it was never read back, and nothing left a table for it */
export async function readManifest(path: string): Promise<SegmentManifest | undefined> {
  const text = await readIfThere(join(path, MANIFEST));
  if (text === undefined) return undefined;
  const read = manifestSchema.safeParse(parsed(text));
  if (!read.success) throw damaged(path, 'its manifest is not one of maint');
  return read.data;
}

/**
 * Reads the rows of a segment after comparing every byte with its checksum.
 * @throws MaintError FILE_UNUSABLE where they are not what the manifest says
 */
export async function readLines(path: string, manifest: SegmentManifest): Promise<readonly string[]> {
  const content = await readRows(path, manifest);
  const lines = content.toString('utf8').split('\n');
  if (lines.pop() !== '' || lines.length !== manifest.rows)
    throw damaged(path, 'it does not hold as many rows as it says');
  return lines;
}

async function writeRows(path: string, content: Buffer): Promise<{ readonly bytes: number; readonly sha256: string }> {
  await using file = await GrowingFile.create(path);
  const hash = createHash('sha256');
  for await (const piece of compressed(once(content), LEVEL)) {
    hash.update(piece);
    await file.append([piece]);
  }
  await file.finish();
  return { bytes: file.size, sha256: hash.digest('hex') };
}

async function readRows(path: string, { bytes, sha256 }: Pick<SegmentManifest, 'bytes' | 'sha256'>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const hash = createHash('sha256');
  for await (const piece of readPieces(join(path, ROWS))) {
    pieces.push(piece);
    hash.update(piece);
  }
  const packed = Buffer.concat(pieces);
  if (packed.length !== bytes || hash.digest('hex') !== sha256) throw damaged(path, 'its checksum is another one');
  try {
    const unpacked: Buffer[] = [];
    for await (const piece of decompressed(once(packed))) unpacked.push(piece);
    return Buffer.concat(unpacked);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    throw damaged(path, 'it cannot be decompressed');
  }
}

async function* once(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function damaged(path: string, why: string): MaintError {
  return new MaintError('FILE_UNUSABLE', `${path} is damaged: ${why}`, {
    hint: 'Bring it back from a backup of that folder, or move it aside by hand: maint removes nothing that it cannot read.',
    detail: 'prune.segment',
  });
}
