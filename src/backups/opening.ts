import { decrypted, isBrokenCiphertext } from '../adapters/age.ts';
import { recipientsOf } from '../adapters/age-keys.ts';
import type { ClientPrograms } from '../adapters/client-programs.ts';
import { release } from '../adapters/memory.ts';
import type { Stage } from '../adapters/pipeline.ts';
import { decompressed, isDamaged, WIDE_CHUNK_BYTES } from '../adapters/zstd.ts';
import { MaintError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { Manifest } from './manifest.ts';

/** What stored bytes are opened with. */
export interface Keys {
  readonly clients: Pick<ClientPrograms, 'locate'>;
  /** Undefined where this host has no key. */
  readonly identity: Secret | undefined;
}

/** What happens to bytes on their way. Pieces that are given to it must not be looked at again. */
export type Through = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;

/** How the stored bytes of an artifact become what went into it: first what maint does itself, then programs. */
export interface Opening {
  /** The identity function where programs do it all. */
  readonly through: Through;
  /** First to last; may be none. */
  readonly stages: readonly Stage[];
}

/** Undoes one codec. */
interface Decoder {
  /** Undefined where the program is not installed. */
  readonly stage: Stage | undefined;
  readonly through: Through;
}

/** What an artifact is when everything is undone: that is for others to read. */
const CONTENTS = new Set(['tar', 'sha256sum']);

/**
 * Looks up how to open an artifact: with programs that hand on to each other where they are installed, else with the
 * libraries, which read the same formats.
 * @param codec what was applied, first to last; what went in is left as it is
 * @throws MaintError PROGRAM_TOO_OLD for a codec of a later maint. That no key opens it shows when it is read: `through`
 *   then throws KEY_MISSING.
 */
export async function openingOf(codec: readonly string[], keys: Keys): Promise<Opening> {
  const decoders: Decoder[] = [];
  for (const name of codec.toReversed()) {
    if (name.startsWith('pg_dump') || CONTENTS.has(name)) continue;
    decoders.push(await decoderOf(name, keys));
  }
  // A program can hand on to programs only, so whatever comes before a library has to be a library too.
  const inProcess = decoders.findLastIndex(({ stage }) => stage === undefined) + 1;
  return {
    through: (source) =>
      decoders.slice(0, inProcess).reduce<AsyncIterable<Buffer>>((read, { through }) => through(read), source),
    stages: decoders.slice(inProcess).flatMap(({ stage }) => (stage === undefined ? [] : [stage])),
  };
}

/** As `openingOf`, with libraries alone: for what passes through maint anyway, where a program would only cost a detour. */
export async function libraryOpening(codec: readonly string[], keys: Keys): Promise<Through> {
  const clients = { locate: () => Promise.resolve(undefined) };
  return (await openingOf(codec, { ...keys, clients })).through;
}

/**
 * Was it the stored bytes that are at fault?
 * @returns which codec found out, and how; undefined for every other error
 */
export function damageOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (isDamaged(error)) return `zstd: ${error.message}`;
  return isBrokenCiphertext(error) ? `age: ${error.message}` : undefined;
}

/**
 * The recipient of a backup whose secret key this host has: that of the first key in the file that fits, for keys are
 * tried in their order.
 * @returns undefined where it is not encrypted, or no key fits
 */
export async function fittingRecipient(
  { encryption }: Manifest,
  identity: Secret | undefined,
): Promise<string | undefined> {
  if (encryption === undefined || identity === undefined) return undefined;
  return (await recipientsOf(identity)).find((recipient) => encryption.recipients.includes(recipient));
}

async function decoderOf(name: string, { clients, identity }: Keys): Promise<Decoder> {
  // The bytes pass through maint anyway, and so the key never leaves it; the program would be no faster.
  if (name === 'age') return { stage: undefined, through: (source) => decrypted(source, identity) };
  if (name !== 'zstd')
    throw new MaintError('PROGRAM_TOO_OLD', `this maint does not know how to open ${name}`, {
      hint: 'Use the version of maint that made the backup, or a newer one.',
    });
  const through: Through = (source) => decompressed(source, release, WIDE_CHUNK_BYTES);
  const file = await clients.locate('zstd');
  const args = ['--decompress', '--quiet', '--stdout'];
  return { stage: file === undefined ? undefined : { name, file, args }, through };
}
