import { join } from 'node:path';
import { listFolder, readIfThere, sha256OfFile, type FolderEntry } from '../adapters/files.ts';
import { formatCount, plural } from '../base/units.ts';
import { decode, type DecodeRequest, type Decoded } from './decode.ts';
import { FILES, startOf } from './layout.ts';
import {
  compareRows,
  parseManifest,
  rowsByTarget,
  type Artifact,
  type Manifest,
  type RowDifference,
} from './manifest.ts';
import { parseSums } from './sums.ts';

/** Something that is wrong with a backup. */
interface Finding {
  /** Dotted name for programs: `verify.rows_mismatch`. */
  readonly detail: `verify.${string}`;
  /** One line for people. */
  readonly message: string;
}

/** Which backup to verify, and with what. */
export interface VerifyRequest {
  readonly folder: string;
  readonly id: string;
  readonly label: string;
  readonly now: Date;
  /** Finds a pg_restore that can read what this major version of pg_dump wrote. */
  readonly pgRestore: (pgDumpMajor: number) => Promise<DecodeRequest['pgRestore']>;
  readonly zstd: string | undefined;
  readonly onProgress: (bytes: number, total: number) => void;
}

/** What was found out about a backup. It is good when there are no findings. */
export interface Verification {
  /** The worst first. */
  readonly findings: readonly Finding[];
  readonly bytes: number;
  readonly rows: number;
  readonly tables: number;
}

/** A clock that was this far ahead still counts as right. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;
const SHOWN_TABLES = 5;

/**
 * Holds a backup against its own words: its files, their sizes and checksums, and, in one pass over the dump, that
 * pg_restore reads every block and that each table has the rows that the manifest names.
 * @throws MaintError when it could not be found out
 */
export async function verify(request: VerifyRequest, signal: AbortSignal): Promise<Verification> {
  const files = (await listFolder(request.folder)) ?? [];
  const sums = parseSums((await readIfThere(join(request.folder, FILES.sums))) ?? '');
  const text = await readIfThere(join(request.folder, FILES.manifest));
  const manifest = text === undefined ? 'missing' : parseManifest(text);
  const stated = [...missingFiles(files), ...(await changedTexts(request.folder, files, sums))];
  if (typeof manifest === 'string') {
    const unreadable = finding('verify.manifest_unreadable', `${FILES.manifest}: ${manifest}`);
    return { findings: [...stated, unreadable], bytes: 0, rows: 0, tables: 0 };
  }
  const [artifact] = manifest.artifacts.filter(({ path }) => path === FILES.dump);
  const file = files.find(({ name }) => name === FILES.dump);
  const dump =
    artifact === undefined || file === undefined
      ? []
      : await verifyDump(request, { artifact, manifest, sums, file }, signal);
  const tables = Object.values(manifest.tables);
  return {
    findings: [...stated, ...identityFaults(request, manifest), ...dump, ...extraFiles(files)],
    bytes: manifest.artifacts.reduce((sum, { bytes }) => sum + bytes, 0),
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    tables: tables.length,
  };
}

function finding(detail: Finding['detail'], message: string): Finding {
  return { detail, message };
}

function missingFiles(files: readonly FolderEntry[]): readonly Finding[] {
  const names = files.map(({ name }) => name);
  return Object.values(FILES)
    .filter((name) => !names.includes(name))
    .map((name) => finding('verify.missing_file', `${name} is missing`));
}

function extraFiles(files: readonly FolderEntry[]): readonly Finding[] {
  const known: readonly string[] = Object.values(FILES);
  return files
    .filter(({ name }) => !known.includes(name))
    .map(({ name }) => finding('verify.extra_file', `${name} does not belong to the backup`));
}

/** Manifest and notes against the checksums; the dump has its own pass. */
async function changedTexts(
  folder: string,
  files: readonly FolderEntry[],
  sums: ReadonlyMap<string, string>,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const name of [FILES.manifest, FILES.notes]) {
    if (!files.some((file) => file.name === name)) continue;
    if ((await sha256OfFile(join(folder, name))) === sums.get(name)) continue;
    const detail = name === FILES.manifest ? 'verify.manifest_changed' : 'verify.notes_changed';
    findings.push(finding(detail, `${name} is not what ${FILES.sums} says`));
  }
  return findings;
}

function identityFaults({ id, label, now }: VerifyRequest, manifest: Manifest): readonly Finding[] {
  const latest = Math.max(startOf(manifest.id)?.getTime() ?? 0, Date.parse(manifest.snapshot.takenAt));
  return [
    ...(manifest.id === id ? [] : [finding('verify.wrong_backup', `the manifest belongs to backup ${manifest.id}`)]),
    ...(manifest.label === label ? [] : [finding('verify.wrong_label', `the manifest belongs to ${manifest.label}`)]),
    ...(latest <= now.getTime() + CLOCK_TOLERANCE_MS
      ? []
      : [finding('verify.future_timestamp', `the backup is dated ${new Date(latest).toISOString()}, in the future`)]),
  ];
}

interface DumpFacts {
  readonly artifact: Artifact;
  readonly manifest: Manifest;
  readonly sums: ReadonlyMap<string, string>;
  readonly file: FolderEntry;
}

async function verifyDump(request: VerifyRequest, facts: DumpFacts, signal: AbortSignal): Promise<readonly Finding[]> {
  const { artifact, manifest, file } = facts;
  const decoded = await decode(
    {
      path: join(request.folder, artifact.path),
      pgRestore: await request.pgRestore(manifest.tools.pgDumpMajor),
      zstd: request.zstd,
      onBytes: (bytes) => request.onProgress(bytes, file.size),
    },
    signal,
  );
  return [...byteFaults(facts, decoded), ...rowFaults(manifest, decoded)];
}

/** What is wrong with the bytes: at most one finding, for the rest follows from it. */
function byteFaults({ artifact, sums, file }: DumpFacts, { sha256, fault }: Decoded): readonly Finding[] {
  const { path, bytes } = artifact;
  const why = fault === undefined ? '' : ` (${fault})`;
  if (sha256 !== artifact.sha256 && file.size < bytes && fault !== undefined) {
    const missing = formatCount(bytes - file.size);
    return [finding('verify.truncated', `${path} is ${missing} bytes too short${why}`)];
  }
  if (sha256 !== artifact.sha256 || sha256 !== sums.get(path))
    return [finding('verify.checksum_mismatch', `${path} is not what was written${why}`)];
  return fault === undefined ? [] : [finding('verify.undecodable', `${path} cannot be decoded: ${fault}`)];
}

function rowFaults(manifest: Manifest, { rows }: Decoded): readonly Finding[] {
  if (rows === undefined) return [];
  const differences = compareRows(rowsByTarget(manifest.tables), rows);
  return differences.length === 0 ? [] : [finding('verify.rows_mismatch', describeDifferences(differences))];
}

/** The first few tables that differ: `public.users has 3 rows, expected 5; and 2 more tables`. */
export function describeDifferences(differences: readonly RowDifference[]): string {
  const shown = differences.slice(0, SHOWN_TABLES).map(({ table, expected, found }) => {
    if (found === undefined) return `${table} is missing`;
    if (expected === undefined) return `${table} is not expected`;
    return `${table} has ${plural(found, 'row')}, expected ${formatCount(expected)}`;
  });
  const more = differences.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${plural(more, 'more table')}`] : [])].join('; ');
}
