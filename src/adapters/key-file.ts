import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { translated } from './files.ts';

/** What can be said of a private key without saying anything of it. */
export interface KeyFile {
  readonly path: string;
  /** Permission bits, such as 0o600. */
  readonly mode: number;
  /** May a group other than that of root read it? */
  readonly isOpenToGroup: boolean;
  /** May everybody on this host read it? Not below a folder that is closed to them. */
  readonly isOpenToAll: boolean;
  /** Of its public half; undefined where it could not be looked into. */
  readonly publicKeyHash: string | undefined;
  /** Why it could not; undefined where it could. */
  readonly obstacle: string | undefined;
}

/**
 * Looks who may read a private key, and at its public half. The private half is in memory for that moment alone.
 * @returns undefined where the file is readable and holds no private key
 * @throws MaintError FILE_UNUSABLE when there is no such file
 */
export async function readKeyFile(path: string): Promise<KeyFile | undefined> {
  const facts = await translated(path, () => stat(path));
  const folders = await translated(path, async () => foldersAbove(await realpath(path)));
  const isWayOpen = (bit: number): boolean => folders.every(({ mode }) => (mode & bit) !== 0);
  const looked = await look(path);
  if (looked === undefined) return undefined;
  return {
    path,
    mode: facts.mode & 0o777,
    isOpenToGroup: (facts.mode & 0o040) !== 0 && facts.gid !== 0 && (isWayOpen(0o010) || isWayOpen(0o001)),
    isOpenToAll: (facts.mode & 0o004) !== 0 && isWayOpen(0o001),
    publicKeyHash: undefined,
    obstacle: undefined,
    ...looked,
  };
}

async function foldersAbove(path: string): Promise<readonly { readonly mode: number }[]> {
  const folder = dirname(path);
  const facts = await stat(folder);
  return folder === path ? [] : [facts, ...(await foldersAbove(folder))];
}

type Look = Partial<Pick<KeyFile, 'publicKeyHash' | 'obstacle'>>;

async function look(path: string): Promise<Look | undefined> {
  const bytes = await readFile(path).catch(reasonOf);
  if (typeof bytes === 'string') return { obstacle: bytes };
  try {
    const block = privateBlock(bytes);
    return block === undefined ? undefined : { publicKeyHash: hashOfPublicKey(createPublicKey(block)) };
  } catch {
    // Never the message: it may repeat what it could not read.
    return { obstacle: 'it has a passphrase, or is damaged' };
  } finally {
    bytes.fill(0);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  return `it cannot be read${code === '' ? '' : ` (${code})`}`;
}

/** The private key of a file that may hold certificates too. A view, not a copy. */
function privateBlock(bytes: Buffer): Buffer | undefined {
  for (const kind of ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'DSA PRIVATE KEY', 'ENCRYPTED PRIVATE KEY']) {
    const start = bytes.indexOf(`-----BEGIN ${kind}-----`);
    const end = `-----END ${kind}-----`;
    const at = start < 0 ? -1 : bytes.indexOf(end, start);
    if (at >= 0) return bytes.subarray(start, at + end.length);
  }
  return undefined;
}

/** The same for a certificate and its private key, however either writes it down. */
export function hashOfPublicKey(key: KeyObject): string {
  return createHash('sha256').update(canonical(key)).digest('hex');
}

function canonical(key: KeyObject): string | Buffer {
  try {
    // A point of a curve can be written in two ways; as numbers there is one.
    return JSON.stringify(Object.entries(key.export({ format: 'jwk' })).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  } catch {
    return key.export({ type: 'spki', format: 'der' });
  }
}
