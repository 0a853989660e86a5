import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What is wrong with a request, as S3 says it. */
export class S3Refusal extends Error {
  readonly status: number;
  readonly code: string;
  /** Elements of the answer besides code and message. */
  readonly more: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, more: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.more = more;
  }
}

/** Someone who may ask. */
export interface Login {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const SKEW_MS = 15 * 60_000;
const HEADER =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/**
 * Checks the signature in the header of a request: AWS Signature Version 4 with the single encoding that S3 uses.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * @returns who asks
 * @throws S3Refusal
 */
export function signedBy<T extends Login>(request: IncomingMessage, logins: readonly T[], region: string): T {
  const header = HEADER.exec(request.headers.authorization ?? '');
  if (header === null) throw new S3Refusal(403, 'AccessDenied', 'Access Denied');
  const [, keyId = '', date = '', scopeRegion = '', signedHeaders = '', signature = ''] = header;
  const login = logins.find(({ accessKeyId }) => accessKeyId === keyId);
  if (login === undefined)
    throw new S3Refusal(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.');
  if (scopeRegion !== region)
    throw new S3Refusal(
      400,
      'AuthorizationHeaderMalformed',
      `The authorization header is malformed; the region '${scopeRegion}' is wrong; expecting '${region}'`,
      { Region: region },
    );
  const time = text(request, 'x-amz-date');
  requireFresh(time, date);
  if ((login.sessionToken ?? '') !== text(request, 'x-amz-security-token'))
    throw new S3Refusal(400, 'InvalidToken', 'The provided token is malformed or otherwise invalid.');
  const canonical = canonicalRequest(request, signedHeaders);
  const scope = `${date}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [date, region, 's3', 'aws4_request'].reduce<Buffer>(
    (key, part) => hmac(key, part),
    Buffer.from(`AWS4${login.secretAccessKey}`),
  );
  if (!timingSafeEqual(hmac(key, toSign), Buffer.from(signature, 'hex')))
    throw new S3Refusal(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      { AWSAccessKeyId: keyId, StringToSign: toSign, CanonicalRequest: canonical },
    );
  return login;
}

function requireFresh(time: string, date: string): void {
  const iso = time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const skewMs = Math.abs(Date.now() - Date.parse(iso));
  if (!(skewMs <= SKEW_MS) || !time.startsWith(date))
    throw new S3Refusal(403, 'RequestTimeTooSkewed', 'The difference between the request time and now is too large.');
}

function canonicalRequest(request: IncomingMessage, signedHeaders: string): string {
  const url = new URL(request.url ?? '/', 'http://s3');
  const names = signedHeaders.split(';');
  const required = Object.keys(request.headers).filter((name) => name.startsWith('x-amz-') || name === 'host');
  const unsigned = required.filter((name) => !names.includes(name));
  if (unsigned.length > 0)
    throw new S3Refusal(
      403,
      'AccessDenied',
      `There were headers present which were not signed: ${unsigned.join(', ')}`,
    );
  const query = [...url.searchParams]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted()
    .join('&');
  return [
    request.method,
    pathOf(request).split('/').map(encoded).join('/'),
    query,
    ...names.map((name) => `${name}:${text(request, name).trim().replaceAll(/ +/g, ' ')}`),
    '',
    signedHeaders,
    text(request, 'x-amz-content-sha256'),
  ].join('\n');
}

/** The path of a request, decoded. */
export function pathOf(request: IncomingMessage): string {
  return decodeURIComponent((request.url ?? '/').split('?', 1)[0] ?? '/');
}

/** A header as text; empty where there is none. */
export function text(request: IncomingMessage, name: string): string {
  return String(request.headers[name] ?? '');
}

function encoded(part: string): string {
  return encodeURIComponent(part).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

function hmac(key: Buffer, value: string): Buffer {
  return createHmac('sha256', key).update(value).digest();
}
