import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { decrypted, encrypted, isBrokenCiphertext } from '../../src/adapters/age.ts';
import { makeKeyPair, type KeyPair } from '../../src/adapters/age-keys.ts';
import type { Secret } from '../../src/base/secret.ts';
import { MaintError } from '../../src/base/errors.ts';
import { agePath, ageProgram, keyFile } from '../support/age.ts';

const KiB = 1024;
const MiB = KiB * KiB;
/** Around the places where a piece of 64 KiB ends. */
const SIZES = [0, 1, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, 128 * KiB, 300_000];

async function* inPieces(bytes: Buffer, sizeBytes = 10_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

const seal = (bytes: Buffer, ...keys: readonly KeyPair[]): Promise<Buffer> =>
  collect(
    encrypted(
      inPieces(bytes),
      keys.map(({ recipient }) => recipient),
    ),
  );
const open = (bytes: Buffer, identity: Secret, pieceBytes?: number): Promise<Buffer> =>
  collect(decrypted(inPieces(bytes, pieceBytes), identity));

/** What decrypting ends with; undefined where all is well. */
async function failureOf(bytes: Buffer, identity: Secret): Promise<unknown> {
  return open(bytes, identity).then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Where the payload begins: behind the last line of the header. */
function payloadOf(bytes: Buffer): number {
  return bytes.indexOf('\n', bytes.indexOf('\n--- ') + 1) + 1;
}

describe('what maint encrypts', () => {
  test.each(SIZES)('%d bytes come back as they were, for each recipient on its own', async (size) => {
    const [ops, vault] = [await makeKeyPair(), await makeKeyPair()];
    const plain = randomBytes(size);
    const sealed = await seal(plain, ops, vault);
    expect(await open(sealed, ops.identity)).toEqual(plain);
    expect(await open(sealed, vault.identity)).toEqual(plain);
    if (size > 16) expect(sealed.includes(plain.subarray(0, 16))).toBe(false);
  });

  test('it does not matter how the bytes are parted on the way', async () => {
    const key = await makeKeyPair();
    await fc.assert(
      fc.asyncProperty(fc.nat(150_000), fc.integer({ min: 500, max: 100_000 }), async (size, pieceBytes) => {
        const plain = randomBytes(size);
        const sealed = await collect(encrypted(inPieces(plain, pieceBytes), [key.recipient]));
        expect(await open(sealed, key.identity, pieceBytes)).toEqual(plain);
      }),
      { numRuns: 30 },
    );
  });

  test('the same bytes never look the same twice', async () => {
    const key = await makeKeyPair();
    const plain = Buffer.alloc(1_000);
    const [first, second] = [await seal(plain, key), await seal(plain, key)];
    expect(first.subarray(payloadOf(first))).not.toEqual(second.subarray(payloadOf(second)));
  });

  test('bytes go by: nothing is read further than the reader has come', async () => {
    const key = await makeKeyPair();
    const [pieceBytes, total] = [256 * KiB, 50 * MiB];
    let [given, taken, lag] = [0, 0, 0];
    const source = async function* (): AsyncGenerator<Buffer> {
      for (; given < total; given += pieceBytes) yield Buffer.alloc(pieceBytes, given);
    };
    for await (const piece of decrypted(encrypted(source(), [key.recipient]), key.identity)) {
      lag = Math.max(lag, given - taken);
      taken += piece.length;
    }
    expect(taken).toBe(total);
    expect(lag).toBeLessThan(2 * pieceBytes);
  });

  test('a source that fails ends the stream with its own error, and one that is left is ended', async () => {
    const key = await makeKeyPair();
    let isEnded = false;
    const source = async function* (): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Buffer.alloc(100_000);
      } finally {
        isEnded = true;
      }
    };
    const failing = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.alloc(10);
      throw new Error('the disk is gone');
    };
    await expect(collect(encrypted(failing(), [key.recipient]))).rejects.toThrow('the disk is gone');
    for await (const _ of decrypted(encrypted(source(), [key.recipient]), key.identity)) break;
    expect(isEnded).toBe(true);
  });
});

describe('what is not as it was written', () => {
  test('a flipped bit anywhere in the payload is damage', async () => {
    const key = await makeKeyPair();
    const sealed = await seal(randomBytes(200_000), key);
    const start = payloadOf(sealed);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: start, max: sealed.length - 1 }), fc.nat(7), async (at, bit) => {
        const damaged = Buffer.from(sealed);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
        expect(isBrokenCiphertext(await failureOf(damaged, key.identity))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('a flipped bit in the header is never taken for a whole file', async () => {
    const key = await makeKeyPair();
    const sealed = await seal(Buffer.from('rows'), key);
    for (let at = 0; at < payloadOf(sealed); at += 1) {
      const damaged = Buffer.from(sealed);
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      const error = await failureOf(damaged, key.identity);
      expect(isBrokenCiphertext(error) || (error instanceof MaintError && error.code === 'KEY_MISSING')).toBe(true);
    }
  });

  test.each([
    ['cut between two pieces', 2 * (64 * KiB + 16), /^it ends too early$/],
    ['cut within a piece', 100_000, /^its end is damaged or missing, 65552 bytes behind its header$/],
    ['cut behind the header', -16, /^it ends within its header, after \d+ bytes$/],
    ['cut behind the nonce', 0, /^its end is damaged or missing, 0 bytes/],
  ])('%s', async (_, behindNonce, message) => {
    const key = await makeKeyPair();
    const sealed = await seal(randomBytes(200_000), key);
    const error = await failureOf(sealed.subarray(0, payloadOf(sealed) + 16 + behindNonce), key.identity);
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    expect(isBrokenCiphertext(error)).toBe(true);
  });

  test('two pieces that changed places are damage, and so is one piece too many', async () => {
    const key = await makeKeyPair();
    const sealed = await seal(randomBytes(200_000), key);
    const start = payloadOf(sealed) + 16;
    const piece = (index: number): Buffer => sealed.subarray(start + index * 65_552, start + (index + 1) * 65_552);
    const swapped = Buffer.concat([sealed.subarray(0, start), piece(1), piece(0), piece(2), piece(3)]);
    const longer = Buffer.concat([sealed, piece(3)]);
    expect(isBrokenCiphertext(await failureOf(swapped, key.identity))).toBe(true);
    expect(isBrokenCiphertext(await failureOf(longer, key.identity))).toBe(true);
  });

  test('what was never encrypted is said to be so', async () => {
    const key = await makeKeyPair();
    expect(await failureOf(Buffer.from('PGDMP and so on'), key.identity)).toMatchObject({
      message: 'it does not begin as a file of age does',
    });
    expect(await failureOf(Buffer.alloc(0), key.identity)).toMatchObject({
      message: 'it ends within its header, after 0 bytes',
    });
  });

  test('a header without end is not read for ever', async () => {
    const key = await makeKeyPair();
    let given = 0;
    const endless = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from('age-encryption.org/v1\n');
      for (;;) yield Buffer.alloc((given += 100_000) && 100_000, 'a');
    };
    await expect(collect(decrypted(endless(), key.identity))).rejects.toThrow('its header has no end');
    expect(given).toBeLessThan(2 * MiB);
  });
});

describe('a key that does not fit', () => {
  test('is no damage, and the message counts the keys', async () => {
    const [owner, stranger, other] = [await makeKeyPair(), await makeKeyPair(), await makeKeyPair()];
    const sealed = await seal(Buffer.from('rows'), owner);
    expect(await failureOf(sealed, stranger.identity)).toMatchObject({
      code: 'KEY_MISSING',
      detail: 'verify.wrong_key',
      message: 'the identity does not open the file',
    });
    expect(await failureOf(sealed, keyFile(stranger, other))).toMatchObject({
      code: 'KEY_MISSING',
      message: 'none of the 2 identities opens the file',
    });
  });

  test('any key of an identity file will do, and its comments do not matter', async () => {
    const [owner, stranger] = [await makeKeyPair(), await makeKeyPair()];
    const sealed = await seal(Buffer.from('rows'), owner);
    expect((await open(sealed, keyFile(stranger, owner))).toString()).toBe('rows');
  });
});

describe.skipIf(agePath === undefined)('the program age', () => {
  test.each(SIZES)('opens %d bytes that maint encrypted', async (size) => {
    const key = await makeKeyPair();
    const folder = await mkdtemp(join(tmpdir(), 'maint-age-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const plain = randomBytes(size);
    await writeFile(join(folder, 'key'), key.identity.reveal());
    const sealed = await seal(plain, key, await makeKeyPair());
    expect(ageProgram(['--decrypt', '--identity', join(folder, 'key')], sealed)).toEqual(plain);
  });

  test.each(SIZES)('writes %d bytes that maint opens', async (size) => {
    const [ops, vault] = [await makeKeyPair(), await makeKeyPair()];
    const plain = randomBytes(size);
    const sealed = ageProgram(['--recipient', ops.recipient, '--recipient', vault.recipient], plain);
    expect(await open(sealed, ops.identity)).toEqual(plain);
    expect(await open(sealed, vault.identity)).toEqual(plain);
  });

  test('agrees about 50 MB', async () => {
    const key = await makeKeyPair();
    const plain = randomBytes(50 * MiB);
    const hash = createHash('sha256');
    for await (const piece of decrypted(inPieces(ageProgram(['--recipient', key.recipient], plain), MiB), key.identity))
      hash.update(piece);
    expect(hash.digest()).toEqual(createHash('sha256').update(plain).digest());
  });
});
