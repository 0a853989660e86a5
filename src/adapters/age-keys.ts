import { MaintError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';

/** A key pair: what is encrypted to the recipient is opened by the identity. */
export interface KeyPair {
  /** One line, `AGE-SECRET-KEY-1…`. */
  readonly identity: Secret;
  /** `age1…`; anybody may know it. */
  readonly recipient: string;
}

/** The library is loaded by those who encrypt, and by nobody else. */
export const loadAge = () => import('age-encryption');

/** What people paste that is no recipient of the one kind that every version of age reads. */
const OTHER_KINDS: readonly { readonly pattern: RegExp; readonly fault: string }[] = [
  { pattern: /age-secret-key-/i, fault: 'is a secret key, which belongs into no configuration: make a new one' },
  { pattern: /^age1(pq|tag|tagpq)1/, fault: 'is of a kind that older versions of age cannot open' },
  { pattern: /^age1[^1]+1/, fault: 'needs a plugin of age, which would have to be at hand for every restore' },
  { pattern: /^(ssh-|ecdsa-|sk-)/, fault: 'is an SSH key' },
];

/**
 * Checks a public key before something is encrypted to it: with a typing error it would make a backup that nobody can
 * open. Loads no library, for every run reads the configuration.
 * @returns what is wrong with it, which never repeats it; undefined where it is fine
 * @see https://c2sp.org/age#the-x25519-recipient-type
 */
export function recipientFault(recipient: string): string | undefined {
  const other = OTHER_KINDS.find(({ pattern }) => pattern.test(recipient));
  if (other !== undefined) return other.fault;
  if (!recipient.startsWith(PREFIX)) return 'is no public key of age, which begins with age1';
  const isWhole = recipient.length === RECIPIENT_LENGTH && hasRightChecksum(recipient.slice(PREFIX.length));
  return isWhole ? undefined : 'does not add up: a character is wrong, missing or too many';
}

const PREFIX = 'age1';
/** The prefix, 32 bytes in base 32, and a checksum of six characters. */
const RECIPIENT_LENGTH = 62;
const BECH32_LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const BECH32_GENERATOR = [0x3b_6a_57_b2, 0x26_50_8e_6d, 0x1e_a1_19_fa, 0x3d_42_33_dd, 0x2a_14_62_b3];
/** `age` as the checksum sees it: the high bits of each letter, a zero, the low bits. */
const BECH32_AGE = [3, 3, 3, 0, 1, 7, 5];

/** @see https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki#checksum */
function hasRightChecksum(letters: string): boolean {
  const values = [...letters].map((letter) => BECH32_LETTERS.indexOf(letter));
  if (values.includes(-1)) return false;
  const checksum = [...BECH32_AGE, ...values].reduce((sum, value) => {
    const shifted = ((sum & 0x1_ff_ff_ff) << 5) ^ value;
    const top = sum >>> 25;
    return BECH32_GENERATOR.reduce((mixed, word, bit) => ((top >>> bit) & 1 ? mixed ^ word : mixed), shifted);
  }, 1);
  return checksum === 1;
}

/** Makes a key pair that exists in memory only. */
export async function makeKeyPair(): Promise<KeyPair> {
  const { generateX25519Identity, identityToRecipient } = await loadAge();
  const identity = await generateX25519Identity();
  return { identity: new Secret(identity), recipient: await identityToRecipient(identity) };
}

/**
 * The public keys that belong to the secret ones of an identity file.
 * @throws MaintError CONFIG_INVALID when it is none
 */
export async function recipientsOf(identity: Secret): Promise<readonly string[]> {
  const { identityToRecipient } = await loadAge();
  return Promise.all((await secretKeysIn(identity)).map((key) => identityToRecipient(key)));
}

/**
 * Reads an identity file as age-keygen writes it: a key a line, between comments.
 * @returns the keys in the clear, for the library
 * @throws MaintError CONFIG_INVALID, which never repeats what it read
 */
export async function secretKeysIn(identity: Secret): Promise<readonly string[]> {
  const { Decrypter } = await loadAge();
  const lines = identity
    .reveal()
    .split('\n')
    .map((line, index) => ({ text: line.trim(), number: index + 1 }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'));
  if (lines.length === 0) throw wrongIdentity('the identity holds no key');
  for (const { text, number } of lines) {
    if (!text.startsWith('AGE-SECRET-KEY-1'))
      throw wrongIdentity(`line ${number} of the identity is no secret key of age`);
    try {
      new Decrypter().addIdentity(text);
    } catch {
      // Nor the library's message, which may repeat the key.
      throw wrongIdentity(`line ${number} of the identity does not add up: a character is wrong or missing`);
    }
  }
  return lines.map(({ text }) => text);
}

function wrongIdentity(message: string): MaintError {
  return new MaintError('CONFIG_INVALID', message, {
    hint: 'Give the file that age-keygen wrote, without a passphrase: its lines begin with AGE-SECRET-KEY-1 or #.',
    detail: 'encryption.identity',
  });
}
