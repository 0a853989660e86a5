import type { X509Certificate } from 'node:crypto';

/** @see https://oid-base.com and RFC 8017, RFC 5758, RFC 8410 for the numbers */
const NAMES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'md2WithRSA',
  '1.2.840.113549.1.1.4': 'md5WithRSA',
  '1.2.840.113549.1.1.5': 'sha1WithRSA',
  '1.2.840.113549.1.1.10': 'rsaPSS',
  '1.2.840.113549.1.1.11': 'sha256WithRSA',
  '1.2.840.113549.1.1.12': 'sha384WithRSA',
  '1.2.840.113549.1.1.13': 'sha512WithRSA',
  '1.2.840.10040.4.3': 'sha1WithDSA',
  '1.2.840.10045.4.1': 'sha1WithECDSA',
  '1.2.840.10045.4.3.2': 'sha256WithECDSA',
  '1.2.840.10045.4.3.3': 'sha384WithECDSA',
  '1.2.840.10045.4.3.4': 'sha512WithECDSA',
  '1.3.101.112': 'Ed25519',
  '1.3.101.113': 'Ed448',
};

/**
 * With what a certificate is signed: `sha256WithRSA`, or the bare number of an algorithm without a name here. Read from
 * the encoding itself, for older Node.js does not tell.
 * @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1
 */
export function signatureAlgorithm({ raw }: Pick<X509Certificate, 'raw'>): string {
  // Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, … }, … }
  const certificate = element(raw, 0);
  const signed = element(raw, certificate.start);
  const algorithm = element(raw, signed.end);
  const { start, end } = element(raw, algorithm.start);
  const number = objectIdentifier(raw.subarray(start, end));
  return NAMES[number] ?? number;
}

/** Where the content of the DER element at an offset starts and ends. */
function element(bytes: Buffer, offset: number): { readonly start: number; readonly end: number } {
  const first = bytes[offset + 1] ?? 0;
  if (first < 0x80) return { start: offset + 2, end: offset + 2 + first };
  const size = first & 0x7f;
  const start = offset + 2 + size;
  const length = bytes.subarray(offset + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  return { start, end: start + length };
}

/** Base 128, the first two arcs in the first number. */
function objectIdentifier(bytes: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of bytes) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [both = 0, ...rest] = arcs;
  const first = Math.min(2, Math.floor(both / 40));
  return [first, both - first * 40, ...rest].join('.');
}
