import type { X509Certificate } from 'node:crypto';
import { hashOfPublicKey } from '../adapters/key-file.ts';
import { printable } from '../base/printable.ts';
import type { Facts } from '../engine/outcome.ts';
import { signatureAlgorithm } from './signature.ts';

/** A certificate as plain data. */
export interface Certificate {
  /** Its common name, or what it has instead, for sentences. */
  readonly name: string;
  /** The whole subject on one line. */
  readonly subject: string;
  /** Host names and addresses that it stands for. */
  readonly names: readonly string[];
  readonly issuer: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** `rsa`, `ec`, `ed25519`, …; `unknown` where this host cannot read it. */
  readonly keyType: string;
  /** Undefined where the type says it all. */
  readonly keyBits: number | undefined;
  /** SHA-256 of the public key, the same as of its private half; undefined where this host cannot read it. */
  readonly publicKeyHash: string | undefined;
  /** Such as `sha256WithRSA`. */
  readonly signature: string;
  /** SHA-256 with colons, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;
  readonly serial: string;
  /** Signed with its own key: a root, or a certificate that nobody vouches for. */
  readonly isSelfSigned: boolean;
}

/** Reads a certificate into plain data; texts in it come from strangers, so they are made printable. */
export function readCertificate(x509: X509Certificate): Certificate {
  const subject = oneLine(x509.subject);
  const names = namesOf(x509);
  return {
    name: /(?:^|\n)CN=([^\n]+)/.exec(x509.subject)?.[1]?.trim() ?? names[0] ?? (subject || 'without a name'),
    subject,
    names,
    issuer: oneLine(x509.issuer),
    notBefore: x509.validFromDate,
    notAfter: x509.validToDate,
    ...keyOf(x509),
    signature: signatureAlgorithm(x509),
    fingerprint: x509.fingerprint256,
    serial: x509.serialNumber,
    isSelfSigned: isSelfSigned(x509),
  };
}

/** The same as facts of an outcome. */
export function certificateFacts(certificate: Certificate): Facts {
  const { name: _name, notBefore, notAfter, keyBits, publicKeyHash, ...plain } = certificate;
  return {
    ...plain,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    keyBits: keyBits ?? null,
    publicKeyHash: publicKeyHash ?? null,
  };
}

/** Is it signed with its own key? */
export function isSelfSigned(x509: X509Certificate): boolean {
  return x509.subject === x509.issuer && isSignedBy(x509, x509);
}

/** Did this issuer sign that certificate? False also where the issuer's key is of a kind that this host cannot read. */
export function isSignedBy(x509: X509Certificate, issuer: X509Certificate): boolean {
  if (x509.issuer !== issuer.subject) return false;
  try {
    return x509.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function oneLine(name: string | undefined): string {
  return printable((name ?? '').trim().replaceAll('\n', ', '));
}

function namesOf({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return subjectAltName
    .split(', ')
    .map((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1])
    .filter((name) => name !== undefined)
    .map(printable);
}

function keyOf(x509: X509Certificate): Pick<Certificate, 'keyType' | 'keyBits' | 'publicKeyHash'> {
  try {
    const { asymmetricKeyType: keyType = 'unknown', asymmetricKeyDetails: details } = x509.publicKey;
    // The curves carry their size in their name: prime256v1, secp384r1.
    const curveBits = /\d{3}/.exec(details?.namedCurve ?? '')?.[0];
    return {
      keyType,
      keyBits: details?.modulusLength ?? (curveBits === undefined ? undefined : Number(curveBits)),
      publicKeyHash: hashOfPublicKey(x509.publicKey),
    };
  } catch {
    // A kind of key that the OpenSSL of this Node.js does not know.
    return { keyType: 'unknown', keyBits: undefined, publicKeyHash: undefined };
  }
}
