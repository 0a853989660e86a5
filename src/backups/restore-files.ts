import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { diskUsage } from '../adapters/disk.ts';
import { listFolder, nearestFolder } from '../adapters/files.ts';
import { release } from '../adapters/memory.ts';
import { timed } from '../adapters/stopwatch.ts';
import { loadTarFormat } from '../adapters/tar-format.ts';
import { TreeWriter } from '../adapters/tree-writer.ts';
import { MaintError } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';
import { fileSetNames } from './file-set.ts';
import type { FileSetReport } from './manifest-fields.ts';
import type { Artifact, Manifest } from './manifest.ts';
import { damageOf, libraryOpening, type Keys } from './opening.ts';
import type { BackupEntry } from './repository.ts';
import type { RestoreFinding } from './restore-checks.ts';
import { checkFiles } from './restore-files-check.ts';
import { publishFiles } from './restore-files-publish.ts';
import { isFilesStage, openFilesStage, sweepFilesStages, type FilesStage } from './restore-files-stage.ts';
import { BrokenTar, TarContentsReader } from './tar-read.ts';
import { TarUnpack } from './tar-unpack.ts';

/** Which files of the application are to come back, and where. */
export interface FilesRequest {
  readonly entry: BackupEntry;
  readonly manifest: Manifest;
  readonly keys: Keys;
  /** Name of the file set. */
  readonly set: string;
  /** Absolute path of the folder. */
  readonly target: string;
  /** May files that are there be replaced? Others stay in any case. */
  readonly overwrites: boolean;
  /** Keep what was restored so far when it fails? */
  readonly keepsFailed: boolean;
  /** Told the bytes done of all, in each phase. */
  readonly onBytes: (bytes: number, total: number) => void;
  readonly onPhase: (phase: string) => void;
}

/** A restore of files that nothing stands in the way of. */
export interface PlannedFiles extends FilesRequest {
  readonly report: FileSetReport;
  readonly tar: Artifact;
  readonly list: Artifact;
  /** Is the folder there already? */
  readonly exists: boolean;
}

/** What became of it. */
export interface RestoredFiles {
  /** None where every file is as it was backed up, and at its place. */
  readonly findings: readonly RestoreFinding[];
  readonly seconds: number;
  /** Where a failed one is kept; undefined where it is not. */
  readonly keptIn: string | undefined;
}

/** Room that must be free, as a share of the bytes of the files: folders and ends of blocks take some too. */
const SPACE_SHARE = 1.05;

/**
 * Looks whether files can come back as asked. Touches nothing.
 * @throws MaintError USAGE where the backup has no such files, or the target is not empty; FILE_UNUSABLE, NO_SPACE
 */
export async function planFiles(request: FilesRequest): Promise<PlannedFiles> {
  const { manifest, set, target, overwrites } = request;
  const { report, tar, list } = artifactsOf(manifest, set);
  const entries = await listFolder(target);
  const occupied = (entries ?? []).filter(({ name }) => !isFilesStage(name) && name !== 'lost+found');
  if (occupied.length > 0 && !overwrites)
    throw new MaintError('USAGE', `${target} is not empty`, {
      hint: 'Name another directory with --to-directory, or allow files in it to be replaced with --overwrite.',
      detail: 'restore.not_empty',
    });
  const parent = dirname(target);
  if (entries === undefined && (await listFolder(parent)) === undefined)
    throw new MaintError('FILE_UNUSABLE', `${parent} does not exist`, {
      hint: `Make it, or name another directory than ${basename(target)} with --to-directory.`,
    });
  const place = await nearestFolder(target);
  const { freeBytes } = await diskUsage(place);
  const needed = report.bytes * SPACE_SHARE;
  if (freeBytes < needed)
    throw new MaintError(
      'NO_SPACE',
      `${place} has ${formatBytes(freeBytes)} free, the files need ${formatBytes(needed)}`,
      {
        detail: 'preflight.no_space',
      },
    );
  return { ...request, report, tar, list, exists: entries !== undefined };
}

function artifactsOf(manifest: Manifest, set: string): Pick<PlannedFiles, 'report' | 'tar' | 'list'> {
  const { artifacts, fileSets = [], id } = manifest;
  const report = fileSets.find(({ name }) => name === set);
  if (report === undefined) {
    const names = fileSets.map(({ name }) => name);
    throw new MaintError('USAGE', `backup ${id} holds no files called ${set}`, {
      hint: names.length === 0 ? 'It holds none at all; see docs/files.md.' : `It holds ${names.join(', ')}.`,
      detail: 'restore.no_such_files',
    });
  }
  const names = fileSetNames(set);
  const tar = artifacts.find(({ path }) => path.startsWith(`${names.tar}.`));
  const list = artifacts.find(({ path }) => path.startsWith(`${names.list}.`));
  if (report.fault === null && tar !== undefined && list !== undefined) return { report, tar, list };
  throw new MaintError(
    'FILE_UNUSABLE',
    `backup ${id} lacks the files ${set}: ${report.fault ?? 'they are not there'}`,
    {
      hint: 'Choose an older backup: `maint backups list`.',
    },
  );
}

/**
 * Unpacks the archive into a hidden folder, reads every file back against its checksum, and only then gives them their
 * places.
 * @throws MaintError as `Store.read`, KEY_MISSING, FILE_UNUSABLE, NO_SPACE
 */
export async function restoreFiles(plan: PlannedFiles, signal: AbortSignal): Promise<RestoredFiles> {
  const { target, exists, keepsFailed } = plan;
  await sweepFilesStages(target, exists);
  await using stage = await openFilesStage(target, exists);
  const { value: findings, ms } = await timed(() => fill(plan, stage, signal));
  const isKept = findings.length > 0 && keepsFailed;
  if (isKept) stage.keep();
  return { findings, seconds: ms / 1_000, keptIn: isKept ? stage.folder : undefined };
}

async function fill(
  plan: PlannedFiles,
  { folder }: FilesStage,
  signal: AbortSignal,
): Promise<readonly RestoreFinding[]> {
  plan.onPhase('unpacking');
  const broken = await unpack(plan, folder, signal);
  if (broken.length > 0) return broken;
  plan.onPhase('reading back');
  const wrong = await readBack(plan, folder, signal);
  if (wrong.length > 0) return wrong;
  plan.onPhase('moving into place');
  const { target, exists, overwrites } = plan;
  await publishFiles({ staged: folder, target, exists, overwrites }, signal);
  return [];
}

async function unpack(plan: PlannedFiles, folder: string, signal: AbortSignal): Promise<readonly RestoreFinding[]> {
  const { tar, report, onBytes } = plan;
  const unpacking = new TarUnpack(new TreeWriter(folder));
  const contents = new TarContentsReader(await loadTarFormat(), unpacking);
  let bytes = 0;
  const read = async (pieces: AsyncIterable<Buffer>): Promise<string | undefined> => {
    try {
      for await (const piece of pieces) {
        signal.throwIfAborted();
        contents.push(piece);
        release(piece);
      }
      const found = contents.finish();
      unpacking.finish();
      if (found.files === report.files && found.bytes === report.bytes) return undefined;
      return `${tar.path} holds ${found.files} files of ${found.bytes} bytes, the manifest says ${report.files} of ${report.bytes}`;
    } catch (error) {
      unpacking.abandon();
      const fault = error instanceof BrokenTar ? error.message : damageOf(error);
      if (fault === undefined) throw error;
      return `${tar.path}: ${fault}`;
    }
  };
  return readArtifact(
    plan,
    { artifact: tar, read, onPiece: (length) => onBytes((bytes += length), tar.bytes) },
    signal,
  );
}

async function readBack(plan: PlannedFiles, folder: string, signal: AbortSignal): Promise<readonly RestoreFinding[]> {
  const { list, report, onBytes } = plan;
  const wrong: RestoreFinding[] = [];
  let bytes = 0;
  const onFile = (size: number): void => {
    signal.throwIfAborted();
    onBytes((bytes += size), report.bytes);
  };
  const read = async (pieces: AsyncIterable<Buffer>): Promise<string | undefined> => {
    const { files, findings } = await checkFiles(folder, pieces, onFile);
    wrong.push(...findings);
    return files === report.files ? undefined : `${list.path} names ${files} files, the manifest says ${report.files}`;
  };
  const broken = await readArtifact(plan, { artifact: list, read, onPiece: () => undefined }, signal);
  return [...broken, ...wrong];
}

interface ArtifactReading {
  readonly artifact: Artifact;
  /** Takes what is inside to its end. @returns what is wrong with it */
  readonly read: (pieces: AsyncIterable<Buffer>) => Promise<string | undefined>;
  /** Told the length of each stored piece. */
  readonly onPiece: (bytes: number) => void;
}

/** Reads an artifact, and makes sure that its stored bytes are those that were written. */
async function readArtifact(
  { entry, keys }: PlannedFiles,
  { artifact: { path, codec, sha256 }, read, onPiece }: ArtifactReading,
  signal: AbortSignal,
): Promise<readonly RestoreFinding[]> {
  const sum = createHash('sha256');
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of entry.store.read(`${entry.path}/${path}`, signal)) {
      sum.update(piece);
      onPiece(piece.length);
      yield piece;
    }
  };
  const fault = await read((await libraryOpening(codec, keys))(hashed()));
  if (fault !== undefined) return [{ detail: 'restore.files_broken', message: fault }];
  if (sum.digest('hex') === sha256) return [];
  return [{ detail: 'verify.checksum_mismatch', message: `${path} is not what was written` }];
}
