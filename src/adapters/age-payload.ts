import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { release } from './memory.ts';

/** The encrypted bytes are at fault: damaged, or cut short. */
export class BrokenCiphertext extends Error {}

/** Goes before the payload, so that one key of a file never makes the same bytes twice. */
export const NONCE_BYTES = 16;
/** How much is encrypted in one go; only the last piece is shorter. */
const CHUNK_BYTES = 64 * 2 ** 10;
/** Behind each piece: proves that it is genuine. */
export const TAG_BYTES = 16;
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES;
const CIPHER = 'chacha20-poly1305';

/** What encrypts one payload. */
export interface PayloadKey {
  readonly fileKey: Uint8Array;
  readonly nonce: Buffer;
}

/**
 * Encrypts what comes behind the nonce of a file, with the cipher of OpenSSL: the library of age has one in JavaScript,
 * ten times slower.
 * @see https://c2sp.org/age#payload
 */
export async function* sealed(source: AsyncIterable<Buffer>, payloadKey: PayloadKey): AsyncGenerator<Buffer> {
  const key = streamKey(payloadKey);
  let number = 0;
  for await (const { bytes, isLast } of chunked(source, CHUNK_BYTES)) {
    const cipher = createCipheriv(CIPHER, key, chunkNonce(number, isLast), { authTagLength: TAG_BYTES });
    const body = cipher.update(bytes);
    cipher.final();
    yield Buffer.concat([body, cipher.getAuthTag()]);
    release(body);
    number += 1;
  }
}

/**
 * Decrypts what `sealed` wrote. Each piece was found genuine before it is handed on.
 * @throws BrokenCiphertext
 */
export async function* opened(source: AsyncIterable<Buffer>, payloadKey: PayloadKey): AsyncGenerator<Buffer> {
  const key = streamKey(payloadKey);
  let number = 0;
  for await (const { bytes, isLast } of chunked(source, SEALED_BYTES)) {
    const plain = openChunk(key, { bytes, number, isLast });
    if (plain === undefined) throw brokenChunk(key, { bytes, number, isLast });
    // Only an empty file ends with an empty piece.
    if (isLast && number > 0 && plain.length === 0) throw new BrokenCiphertext('its end is not as age writes it');
    yield plain;
    number += 1;
  }
}

interface Chunk {
  /** Overwritten when the next is asked for. */
  readonly bytes: Buffer;
  readonly isLast: boolean;
}

interface NumberedChunk extends Chunk {
  readonly number: number;
}

/** @returns undefined where the piece is not what was written */
function openChunk(key: Uint8Array, { bytes, number, isLast }: NumberedChunk): Buffer | undefined {
  if (bytes.length < TAG_BYTES) return undefined;
  const end = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, chunkNonce(number, isLast), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(bytes.subarray(end));
  const plain = decipher.update(bytes.subarray(0, end));
  try {
    decipher.final();
  } catch {
    // That it is not genuine is all that OpenSSL says, and the answer here.
    return undefined;
  }
  return plain;
}

/** A last piece that is genuine as one from the middle was followed by more. */
function brokenChunk(key: Uint8Array, { bytes, number, isLast }: NumberedChunk): BrokenCiphertext {
  if (isLast && openChunk(key, { bytes, number, isLast: false }) !== undefined)
    return new BrokenCiphertext('it ends too early');
  const at = `${number * SEALED_BYTES} bytes behind its header`;
  return new BrokenCiphertext(isLast ? `its end is damaged or missing, ${at}` : `it is damaged, ${at}`);
}

/** Parts a stream into pieces of one size; the last one may be shorter, and is never empty unless all is. */
async function* chunked(source: AsyncIterable<Buffer>, sizeBytes: number): AsyncGenerator<Chunk> {
  const held = Buffer.allocUnsafeSlow(sizeBytes);
  let used = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length;) {
      if (used === sizeBytes) {
        yield { bytes: held, isLast: false };
        used = 0;
      }
      const copied = piece.copy(held, used, at);
      used += copied;
      at += copied;
    }
  }
  yield { bytes: held.subarray(0, used), isLast: true };
}

function streamKey({ fileKey, nonce }: PayloadKey): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
}

/** The number of the piece in eleven bytes, and whether it is the last. */
function chunkNonce(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}
