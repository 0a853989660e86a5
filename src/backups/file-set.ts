import { join } from 'node:path';
import { realFolder } from '../adapters/file-tree.ts';
import { removeFolder } from '../adapters/files.ts';
import type { Database } from '../adapters/postgres.ts';
import { loadTarFormat, type TarFormat } from '../adapters/tar-format.ts';
import { timed } from '../adapters/stopwatch.ts';
import { MaintError } from '../base/errors.ts';
import type { FileSet } from '../engine/backup-places.ts';
import { FileSetTar } from './file-set-tar.ts';
import type { FileSetReport } from './manifest-fields.ts';
import type { Artifact } from './manifest.ts';
import { damageOf } from './opening.ts';
import { ReferenceIndex } from './reference-index.ts';
import { findLostFiles, type LostFiles, type References } from './references.ts';
import { BrokenTar, TarContentsReader } from './tar-read.ts';
import { requireReserve } from './room.ts';
import { together } from './together.ts';
import { watched } from './watch.ts';
import { writeArtifact, type ArtifactPlace } from './write-artifact.ts';

interface FileSetRequest {
  readonly set: FileSet;
  /** What the rows of the snapshot say; undefined where no query asks them. */
  readonly references: References | undefined;
  /** Absolute path of the backups, which never go into one. */
  readonly without: string;
  readonly database: Database;
}

/** A folder of the application, as far as it went into the backup. */
interface WrittenFileSet {
  readonly artifacts: readonly Artifact[];
  readonly report: FileSetReport;
}

/** The names of its artifacts without the endings of compression and encryption. */
export function fileSetNames(name: string): { readonly tar: string; readonly list: string } {
  return { tar: `files-${name}.tar`, list: `files-${name}.sha256` };
}

/** How often the disk is looked at meanwhile. */
const LOOK_EVERY_MS = 5_000;

const NOTHING = {
  files: 0,
  bytes: 0,
  folders: 0,
  links: 0,
  unreferenced: { files: 0, bytes: 0 },
  odd: { changed: 0, vanished: 0, unreadable: 0, special: 0 },
  examples: [],
} satisfies FileSetTar['tally'];

/**
 * Writes a folder of the application as a tar archive with a list of its files, reads both back, and holds the files
 * against the rows that point to them. What is wrong with the folder stands in the report: the dump is worth keeping
 * without it.
 * @throws the reason of the signal when it aborts
 */
export async function writeFileSet(
  place: ArtifactPlace,
  request: FileSetRequest,
  signal: AbortSignal,
): Promise<WrittenFileSet> {
  const { name, directory } = request.set;
  try {
    const root = await realFolder(directory);
    const index = request.references instanceof ReferenceIndex ? request.references : undefined;
    const format = await loadTarFormat();
    const tar = new FileSetTar({ root, without: request.without, references: index, format });
    const look = (): Promise<void> => requireReserve(place.folder);
    const { value: artifacts, ms } = await timed(() =>
      watched({ everyMs: LOOK_EVERY_MS, look }, signal, (stop) => writeBoth(place, { name, tar, format }, stop)),
    );
    const references = await crossCheck(request, { root, tar }, signal);
    return { artifacts, report: { ...reportOf(request.set, tar.tally), references, seconds: ms / 1_000, fault: null } };
  } catch (error) {
    const fault = faultOf(error);
    if (signal.aborted || fault === undefined) throw error;
    for (const base of Object.values(fileSetNames(name)))
      await removeFolder(join(place.folder, `${base}.zst${place.sealing.suffix}`));
    return {
      artifacts: [],
      report: { ...reportOf(request.set, NOTHING), references: null, seconds: 0, fault },
    };
  }
}

function faultOf(error: unknown): string | undefined {
  return error instanceof MaintError || error instanceof BrokenTar ? error.message : damageOf(error);
}

interface Archiving {
  readonly name: string;
  readonly tar: FileSetTar;
  readonly format: TarFormat;
}

async function writeBoth(
  place: ArtifactPlace,
  { name, tar, format }: Archiving,
  signal: AbortSignal,
): Promise<readonly Artifact[]> {
  const names = fileSetNames(name);
  const contents = new TarContentsReader(format);
  const inspect = (piece: Buffer): void => contents.push(piece);
  const artifacts = await together(
    signal,
    (stop) => writeArtifact(place, { name: names.tar, content: 'tar', source: (end) => tar.read(end), inspect }, stop),
    (stop) =>
      writeArtifact(
        { ...place, zstd: undefined },
        { name: names.list, content: 'sha256sum', source: (end) => tar.list.read(end), inspect: () => undefined },
        stop,
      ),
  );
  const { files, bytes } = contents.finish();
  if (files !== tar.tally.files || bytes !== tar.tally.bytes)
    throw new BrokenTar(`the archive holds ${files} files, ${tar.tally.files} went in`);
  return artifacts;
}

function reportOf({ name, directory }: FileSet, tally: FileSetTar['tally']): Omit<FileSetReport, Open> {
  const { files, bytes, folders, links, odd, examples } = tally;
  return { name, directory, files, bytes, folders, links, ...odd, examples: [...examples] };
}

type Open = 'references' | 'seconds' | 'fault';

interface Archived {
  readonly root: string;
  readonly tar: FileSetTar;
}

const NONE: LostFiles = { missing: 0, otherSize: 0, passing: 0, examples: [] };

async function crossCheck(
  { set, references, database }: FileSetRequest,
  { root, tar }: Archived,
  signal: AbortSignal,
): Promise<FileSetReport['references']> {
  if (set.references === undefined || references === undefined) return null;
  const { unreferenced } = tar.tally;
  const counted = { unreferencedFiles: unreferenced.files, unreferencedBytes: unreferenced.bytes };
  const stated = (files: number, { examples, ...lost }: LostFiles, fault: string | null) => ({
    files,
    ...lost,
    examples: [...examples],
    ...counted,
    fault,
  });
  if (references instanceof MaintError) return stated(0, NONE, references.message);
  try {
    const lost = await findLostFiles(database, { query: set.references, index: references, root });
    return stated(references.count, lost, null);
  } catch (error) {
    if (signal.aborted || !(error instanceof MaintError)) throw error;
    return stated(references.count, NONE, error.message);
  }
}
