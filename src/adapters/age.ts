import { randomBytes } from 'node:crypto';
import { MaintError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { loadAge, secretKeysIn } from './age-keys.ts';
import { BrokenCiphertext, NONCE_BYTES, opened, sealed, TAG_BYTES } from './age-payload.ts';

const FIRST_LINE = 'age-encryption.org/v1\n';
/** The last line of a header: the mark, and a checksum in base64. */
const LAST_LINE = /\n--- [\w+/]{43}\n/;
/** Thousands of recipients fit into it. */
const HEADER_LIMIT_BYTES = 2 ** 20;
/** What the library says when a header is whole, and none of its keys is ours. */
const NO_MATCH = /no identity matched/;

/**
 * Encrypts to recipients, in the format of the program age.
 * @param recipients checked ones
 * @see https://c2sp.org/age
 */
export async function* encrypted(source: AsyncIterable<Buffer>, recipients: readonly string[]): AsyncGenerator<Buffer> {
  const { header, fileKey } = await makeHeader(recipients);
  const nonce = randomBytes(NONCE_BYTES);
  yield Buffer.concat([header, nonce]);
  yield* sealed(source, { fileKey, nonce });
}

/**
 * Decrypts what `encrypted` or the program age wrote. Nothing is handed on that was not found genuine.
 * @param identity an identity file, of which any key will do; undefined where there is none
 * @throws MaintError KEY_MISSING when no key opens it, which a damaged header may look like; CONFIG_INVALID when the
 *   identity is none; see `isBrokenCiphertext` for bytes that are damaged or cut short
 */
export async function* decrypted(source: AsyncIterable<Buffer>, identity: Secret | undefined): AsyncGenerator<Buffer> {
  if (identity === undefined)
    throw new MaintError('KEY_MISSING', 'the file is encrypted, and this host has no key', { detail: 'verify.no_key' });
  const pieces = source[Symbol.asyncIterator]();
  try {
    const { header, nonce, rest } = await readHead(pieces);
    const fileKey = await openHeader(header, identity);
    yield* opened(behind(rest, pieces), { fileKey, nonce });
  } finally {
    // Ends the source, wherever this stopped.
    await pieces.return?.();
  }
}

/** Was it the encrypted bytes that are at fault? */
export function isBrokenCiphertext(error: unknown): boolean {
  return error instanceof BrokenCiphertext;
}

/** The library keeps the key of a file to itself, but shows it to whoever is to wrap it. */
async function makeHeader(recipients: readonly string[]): Promise<{ header: Buffer; fileKey: Uint8Array }> {
  const { Encrypter } = await loadAge();
  const encrypter = new Encrypter();
  for (const recipient of new Set(recipients)) encrypter.addRecipient(recipient);
  let fileKey: Uint8Array | undefined;
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  const emptyFile = Buffer.from(await encrypter.encrypt(new Uint8Array()));
  if (fileKey === undefined) throw new Error('the age library did not ask every recipient');
  return { header: emptyFile.subarray(0, -NONCE_BYTES - TAG_BYTES), fileKey };
}

interface Head {
  readonly header: Buffer;
  readonly nonce: Buffer;
  /** The first bytes of the payload. */
  readonly rest: Buffer;
}

/** @throws BrokenCiphertext */
async function readHead(pieces: AsyncIterator<Buffer>): Promise<Head> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < HEADER_LIMIT_BYTES) {
    const next = await pieces.next();
    if (next.done === true) throw new BrokenCiphertext(`it ends within its header, after ${bytes.length} bytes`);
    bytes = Buffer.concat([bytes, next.value]);
    const text = bytes.toString('latin1', 0, HEADER_LIMIT_BYTES);
    if (!FIRST_LINE.startsWith(text.slice(0, FIRST_LINE.length)))
      throw new BrokenCiphertext('it does not begin as a file of age does');
    const last = LAST_LINE.exec(text);
    if (last === null) continue;
    const end = last.index + last[0].length;
    const [header, nonce] = [bytes.subarray(0, end), bytes.subarray(end, end + NONCE_BYTES)];
    if (nonce.length === NONCE_BYTES) return { header, nonce, rest: bytes.subarray(end + NONCE_BYTES) };
  }
  throw new BrokenCiphertext('its header has no end');
}

async function openHeader(header: Buffer, identity: Secret): Promise<Uint8Array> {
  const { Decrypter } = await loadAge();
  const decrypter = new Decrypter();
  const keys = await secretKeysIn(identity);
  for (const key of keys) decrypter.addIdentity(key);
  try {
    return await decrypter.decryptHeader(header);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    if (!NO_MATCH.test(said)) throw new BrokenCiphertext(`its header is damaged: ${said}`, { cause: error });
    const tried =
      keys.length === 1
        ? 'the identity does not open the file'
        : `none of the ${keys.length} identities opens the file`;
    throw new MaintError('KEY_MISSING', tried, {
      hint: 'Give the secret key of one of the recipients that the manifest of the backup names.',
      detail: 'verify.wrong_key',
      cause: error,
    });
  }
}

async function* behind(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
