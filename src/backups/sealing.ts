import { decrypted, encrypted } from '../adapters/age.ts';
import { makeKeyPair } from '../adapters/age-keys.ts';
import { release } from '../adapters/memory.ts';
import type { Secret } from '../base/secret.ts';

/** What happens to bytes on their way. Pieces that are given to it must not be looked at again. */
type Through = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;

/** How the artifacts of one backup are encrypted on their way to the disk, and read back from it. */
export interface Sealing {
  /** What an artifact's codec list gets at its end. */
  readonly codec: readonly string[];
  /** What an artifact's name gets at its end. */
  readonly suffix: string;
  readonly seal: Through;
  /** Undoes `seal`. */
  readonly unseal: Through;
  /** Opens what was sealed, as long as this object lives; undefined where nothing is encrypted. */
  readonly identity: Secret | undefined;
}

/** What the names of artifacts that are encrypted to these recipients end in. */
export function sealedSuffix(recipients: readonly string[]): string {
  return recipients.length === 0 ? '' : '.age';
}

const OPEN: Sealing = {
  codec: [],
  suffix: sealedSuffix([]),
  seal: (source) => source,
  unseal: (source) => source,
  identity: undefined,
};

/**
 * Encrypts to recipients, or leaves everything as it is where there are none. The host that takes a backup has no key
 * of theirs, and still has to read back what stands on its disk: so each backup is encrypted to one more key, which is
 * made here, never leaves the memory, and is forgotten with this object.
 */
export async function makeSealing(recipients: readonly string[]): Promise<Sealing> {
  if (recipients.length === 0) return OPEN;
  const { identity, recipient } = await makeKeyPair();
  return {
    codec: ['age'],
    suffix: sealedSuffix(recipients),
    seal: (source) => encrypted(begun(releasing(source)), [...recipients, recipient]),
    unseal: (source) => decrypted(releasing(source), identity),
    identity,
  };
}

/** The cipher has taken a piece in when it asks for the next. */
async function* releasing(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    yield piece;
    release(piece);
  }
}

/**
 * Asks for the first piece at once. What a program wrote before it ended is thrown away when nobody has begun to read by
 * then, and making the header of a file takes longer than a small program runs.
 */
function begun(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const pieces = source[Symbol.asyncIterator]();
  const first = pieces.next();
  // Thrown below, where it can be awaited.
  first.catch(ignoreForNow);
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (let next = await first; next.done !== true; next = await pieces.next()) yield next.value;
      } finally {
        await pieces.return?.();
      }
    },
  };
}

function ignoreForNow(): void {}
