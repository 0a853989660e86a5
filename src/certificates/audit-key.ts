import { basename, dirname } from 'node:path';
import { keyFilesAt, readCertificateFile } from '../adapters/certificate-files.ts';
import { readKeyFile } from '../adapters/key-file.ts';
import { skip, type Outcome } from '../engine/outcome.ts';
import { readCertificate, type Certificate } from './certificate.ts';
import { outcomeOf } from './finding.ts';
import { describeKey, judgeKey, shellPath } from './judge-key.ts';

/** A key, and the certificates that it could belong to. */
export interface KeyPlace {
  readonly path: string;
  /** Files of certificates beside it. */
  readonly partners: readonly string[];
}

/**
 * The private keys below a path of `files`.
 * @throws MaintError FILE_UNUSABLE when the path is not there or cannot be read
 */
export async function keysToAudit(path: string): Promise<readonly KeyPlace[]> {
  const { keys, certificates } = await keyFilesAt(path);
  return keys.map((key) => ({ path: key, partners: partnersOf(key, certificates) }));
}

/** Those of the same name where there are any: server.key and server.crt. Else all in its folder. */
function partnersOf(key: string, certificates: readonly string[]): readonly string[] {
  if (certificates.includes(key)) return [key];
  const beside = certificates.filter((path) => dirname(path) === dirname(key));
  const namesakes = beside.filter((path) => stem(path) === stem(key));
  return namesakes.length > 0 ? namesakes : beside;
}

/** `server` of server.key, server-key.pem and server-cert.pem; nothing of privkey.pem and cert.pem. */
function stem(path: string): string {
  return basename(path).replace(/(?:(?:^|[._-])(?:(?:priv)?key|cert|fullchain|chain))?\.\w+$/, '');
}

/**
 * Judges who may read a private key, and whether it belongs to a certificate beside it.
 * @throws MaintError FILE_UNUSABLE when the key is not there, or a certificate beside it is damaged
 */
export async function auditKey({ path, partners }: KeyPlace, groupKeys: boolean): Promise<Outcome> {
  const key = await readKeyFile(path);
  if (key === undefined) return skip(`${path} holds no private key`);
  const certificates = (await Promise.all(partners.map(leafOf))).flat();
  return outcomeOf({
    findings: judgeKey(key, certificates, { groupKeys, beside: `the certificates beside it` }),
    allWell: describeKey(key, certificates),
    look: [`ls -lL ${shellPath(path)}; namei -l ${shellPath(path)}`],
    facts: {
      path,
      mode: key.mode.toString(8),
      publicKeyHash: key.publicKeyHash ?? null,
      obstacle: key.obstacle ?? null,
    },
    samples: [],
  });
}

async function leafOf(path: string): Promise<readonly Certificate[]> {
  return (await readCertificateFile(path)).slice(0, 1).map(readCertificate);
}
