import { X509Certificate } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { MaintError } from '../base/errors.ts';
import { translated } from './files.ts';

const BLOCK = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;
/** No file of certificates is larger; a log or a database by mistake would be. */
const LARGEST_BYTES = 8 * 2 ** 20;

/**
 * Reads the certificates of a PEM file, in their order; keys in it are passed over. Empty where it holds none.
 * @throws MaintError FILE_UNUSABLE when it cannot be read, or a certificate in it is damaged
 */
export async function readCertificateFile(path: string): Promise<readonly X509Certificate[]> {
  const { size } = await translated(path, () => stat(path));
  if (size > LARGEST_BYTES) throw new MaintError('FILE_UNUSABLE', `${path} is too large for a file of certificates`);
  const text = await translated(path, () => readFile(path, 'latin1'));
  return [...text.matchAll(BLOCK)].map(([block], index) => parse(block, `${path} holds a damaged certificate`, index));
}

function parse(block: string, message: string, index: number): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (cause) {
    throw new MaintError('FILE_UNUSABLE', `${message}, number ${index + 1} in it`, {
      hint: 'Look at it with `openssl x509 -noout -text -in` and write it anew.',
      cause,
    });
  }
}

const ENDINGS = /\.(?:pem|crt|cer)$/;
/** Keys beside them, which most users may not even read: privkey.pem, server-key.pem. */
const KEYS = /(?:^|[/._-])(?:priv)?key\.\w+$/;
/** As deep as the folders of certbot (`live/<name>/fullchain.pem`) and of most who do alike. */
const DEEPEST = 2;

/**
 * The files that a path stands for: itself, or in a directory everything two levels down whose name ends in `.pem`,
 * `.crt` or `.cer`. Symbolic links are followed.
 * @throws MaintError FILE_UNUSABLE when there is no such path, or it cannot be read
 */
export async function certificateFilesAt(path: string): Promise<readonly string[]> {
  const facts = await translated(path, () => stat(path));
  return facts.isDirectory() ? (await filesBelow(path, DEEPEST)).filter(isCertificateName) : [path];
}

function isCertificateName(path: string): boolean {
  return ENDINGS.test(path) && !isKeyName(path);
}

function isKeyName(path: string): boolean {
  return KEYS.test(path) || path.endsWith('.key');
}

/** Files of keys, and the files of certificates that lie about them. */
interface KeyFiles {
  readonly keys: readonly string[];
  readonly certificates: readonly string[];
}

/**
 * The private keys that a path stands for: what is named as one, and what holds one beside its certificates.
 * @throws MaintError FILE_UNUSABLE when there is no such path, or it cannot be read
 */
export async function keyFilesAt(path: string): Promise<KeyFiles> {
  const facts = await translated(path, () => stat(path));
  const files = facts.isDirectory() ? await filesBelow(path, DEEPEST) : [path];
  const certificates = facts.isDirectory() ? files.filter(isCertificateName) : files;
  const both = await Promise.all(certificates.map(async (each) => ((await holdsKey(each)) ? [each] : [])));
  return {
    keys: [...files.filter((each) => isKeyName(each) && !certificates.includes(each)), ...both.flat()],
    certificates,
  };
}

async function holdsKey(path: string): Promise<boolean> {
  const { size } = await translated(path, () => stat(path));
  if (size > LARGEST_BYTES) return false;
  const bytes = await translated(path, () => readFile(path));
  const isOne = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(bytes.toString('latin1'));
  bytes.fill(0);
  return isOne;
}

async function filesBelow(folder: string, depth: number): Promise<readonly string[]> {
  const names = await translated(folder, () => readdir(folder));
  const found = await Promise.all(
    names.toSorted().map(async (name) => {
      const path = join(folder, name);
      const facts = await translated(path, () => stat(path));
      if (facts.isDirectory()) return depth > 1 ? filesBelow(path, depth - 1) : [];
      return facts.isFile() && (ENDINGS.test(name) || isKeyName(name)) ? [path] : [];
    }),
  );
  return found.flat();
}

/**
 * The roots that this host trusts: those of Node.js, those of the system, and those of a file.
 * @throws MaintError FILE_UNUSABLE when the file cannot be read
 */
export async function trustedRoots(file: string | undefined): Promise<readonly X509Certificate[]> {
  const known = new Set([...getCACertificates('default'), ...getCACertificates('system')]);
  const own = file === undefined ? [] : await readCertificateFile(file);
  return [...[...known].map((block) => new X509Certificate(block)), ...own];
}
