import { createHash } from 'node:crypto';
import { loadTarFormat, type TarFormat } from '../adapters/tar-format.ts';
import { MaintError } from '../base/errors.ts';
import { plural } from '../base/units.ts';
import type { Decoded } from './decode.ts';
import { fileSetNames } from './file-set.ts';
import { GLOBALS } from './globals.ts';
import type { Artifact, Manifest } from './manifest.ts';
import { damageOf, libraryOpening, type Keys } from './opening.ts';
import { sha256Of } from './stored.ts';
import { BrokenTar, TarContentsReader } from './tar-read.ts';

/** An artifact beside the dump: roles, or files of the application. */
interface CompanionReading {
  readonly artifact: Artifact;
  readonly manifest: Manifest;
  readonly keys: Keys;
  /** Reads the stored bytes from front to back, each time it is called. */
  readonly read: () => AsyncIterable<Buffer>;
}

/** Looks at decoded bytes as they go by. */
interface Inspector {
  push(piece: Buffer): void;
  /** @returns what is wrong; undefined where nothing is */
  finish(): string | undefined;
}

/**
 * Reads an artifact to its end: hashes what is stored, decodes it, and holds what is inside against the manifest.
 * @throws MaintError when it could not be found out
 */
export async function decodeCompanion(
  reading: CompanionReading,
): Promise<Pick<Decoded, 'sha256' | 'fault' | 'unopened'>> {
  const { artifact, keys, read } = reading;
  const hash = createHash('sha256');
  let isHashed = false;
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of read()) {
      hash.update(piece);
      yield piece;
    }
    isHashed = true;
  };
  const end = await inspected(await decodedPieces(artifact, keys, hashed()), await inspectorOf(reading));
  return { sha256: isHashed ? hash.digest('hex') : await sha256Of(read()), ...end };
}

async function decodedPieces(
  { codec }: Artifact,
  keys: Keys,
  stored: AsyncIterable<Buffer>,
): Promise<AsyncIterable<Buffer>> {
  return (await libraryOpening(codec, keys))(stored);
}

async function inspected(
  pieces: AsyncIterable<Buffer>,
  inspector: Inspector,
): Promise<Pick<Decoded, 'fault' | 'unopened'>> {
  try {
    for await (const piece of pieces) inspector.push(piece);
    return { fault: inspector.finish(), unopened: undefined };
  } catch (error) {
    const fault = error instanceof BrokenTar ? error.message : damageOf(error);
    const unopened = error instanceof MaintError && error.code === 'KEY_MISSING' ? error : undefined;
    if (fault === undefined && unopened === undefined) throw error;
    return { fault, unopened };
  }
}

async function inspectorOf({ artifact, manifest }: CompanionReading): Promise<Inspector> {
  const [content] = artifact.codec;
  const set = manifest.fileSets?.find(({ name }) =>
    Object.values(fileSetNames(name)).some((base) => artifact.path.startsWith(`${base}.`)),
  );
  if (content === 'tar') return tarInspector(set, await loadTarFormat());
  if (content === 'sha256sum') return listInspector(set);
  return content === GLOBALS.content ? rolesInspector() : { push: ignore, finish: () => undefined };
}

type Stated = { readonly files: number; readonly bytes: number } | undefined;

function tarInspector(stated: Stated, format: TarFormat): Inspector {
  const contents = new TarContentsReader(format);
  return {
    push: (piece) => contents.push(piece),
    finish: () => {
      const { files, bytes } = contents.finish();
      if (stated === undefined || (files === stated.files && bytes === stated.bytes)) return undefined;
      return `it holds ${plural(files, 'file')} of ${bytes} bytes, the manifest says ${stated.files} of ${stated.bytes}`;
    },
  };
}

const NEWLINE = 10;

function listInspector(stated: Stated): Inspector {
  let lines = 0;
  return {
    push: (piece) => {
      for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1)) lines += 1;
    },
    finish: () => {
      if (stated === undefined || lines === stated.files) return undefined;
      return `it names ${plural(lines, 'file')}, the manifest says ${stated.files}`;
    },
  };
}

/** What pg_dumpall writes at the end when it came that far. */
const LAST_WORDS = 'PostgreSQL database cluster dump complete';
const KEPT_BYTES = 1_024;

function rolesInspector(): Inspector {
  let tail: Buffer = Buffer.alloc(0);
  return {
    push: (piece) => {
      tail = Buffer.from(Buffer.concat([tail, piece.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES));
    },
    finish: () => (tail.includes(LAST_WORDS) ? undefined : 'it ends before the last words of pg_dumpall'),
  };
}

function ignore(): void {}
