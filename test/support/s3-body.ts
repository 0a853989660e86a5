import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { crc32 } from 'node:zlib';
import { S3Refusal, text } from './s3-signature.ts';

/** A body as it was received and found to be what its checksums say. */
export interface ReceivedBody {
  readonly sizeBytes: number;
  /** In hex. */
  readonly md5: string;
  /** What the client sent along, as `x-amz-checksum-…` and its value; undefined where it sent none. */
  readonly checksum: readonly [name: string, value: string] | undefined;
}

interface Reading {
  /** Where to write it. */
  readonly path: string;
  /** Flip a bit of it, as a bad network card would. */
  readonly isDamaged: boolean;
}

/**
 * Writes the body of an upload to a file and checks all that its sender said of it: length, SHA-256 of the signature,
 * checksums in headers and behind an aws-chunked body.
 * @throws S3Refusal
 */
export async function receiveBody(request: IncomingMessage, { path, isDamaged }: Reading): Promise<ReceivedBody> {
  const claimed = text(request, 'x-amz-content-sha256');
  const trailers = new Map<string, string>();
  const pieces = claimed.startsWith('STREAMING-') ? unchunked(request, claimed, trailers) : request;
  const sums = { sha256: createHash('sha256'), sha1: createHash('sha1'), md5: createHash('md5'), crc32: 0 };
  let sizeBytes = 0;
  {
    await using file = await open(path, 'w');
    for await (const piece of pieces) {
      if (isDamaged && sizeBytes === 0) piece[0] ^= 1;
      sizeBytes += piece.length;
      for (const hash of [sums.sha256, sums.sha1, sums.md5]) hash.update(piece);
      sums.crc32 = crc32(piece, sums.crc32);
      await file.writeFile(piece);
    }
  }
  if (!request.complete) throw new S3Refusal(400, 'IncompleteBody', 'The request body terminated unexpectedly');
  const sha256 = sums.sha256.digest();
  if (/^[0-9a-f]{64}$/.test(claimed) && claimed !== sha256.toString('hex'))
    throw new S3Refusal(400, 'XAmzContentSHA256Mismatch', 'The provided x-amz-content-sha256 does not match.');
  requireLength(request, sizeBytes);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(sums.crc32);
  const md5 = sums.md5.digest();
  const actual: Readonly<Record<string, string>> = {
    'x-amz-checksum-crc32': crc.toString('base64'),
    'x-amz-checksum-sha1': sums.sha1.digest('base64'),
    'x-amz-checksum-sha256': sha256.toString('base64'),
    'content-md5': md5.toString('base64'),
  };
  for (const [name, value] of Object.entries(actual)) {
    const said = trailers.get(name) ?? text(request, name);
    if (said !== '' && said !== value)
      throw new S3Refusal(400, 'BadDigest', `The ${name} you specified did not match what we received.`);
  }
  const sent = Object.keys(actual).find((name) => trailers.has(name) || text(request, name) !== '');
  return { sizeBytes, md5: md5.toString('hex'), checksum: sent === undefined ? undefined : [sent, actual[sent] ?? ''] };
}

function requireLength(request: IncomingMessage, sizeBytes: number): void {
  const said = text(request, 'x-amz-decoded-content-length') || text(request, 'content-length');
  if (said === '') throw new S3Refusal(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  if (Number(said) !== sizeBytes)
    throw new S3Refusal(400, 'IncompleteBody', `The request body is ${sizeBytes} bytes, not ${said}`);
}

/** Takes the framing of aws-chunked away: `size in hex CRLF bytes CRLF`, a chunk of nothing, then the trailers. */
async function* unchunked(
  request: IncomingMessage,
  kind: string,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  if (kind !== 'STREAMING-UNSIGNED-PAYLOAD-TRAILER')
    throw new S3Refusal(501, 'NotImplemented', `A body of the kind ${kind} is not implemented here.`);
  let rest = Buffer.alloc(0);
  /** Bytes of the chunk that has begun; undefined between two. */
  let left: number | undefined;
  for await (const piece of request) {
    rest = Buffer.concat([rest, Buffer.from(piece)]);
    while (left !== 0 && rest.includes('\r\n')) {
      const end = rest.indexOf('\r\n');
      const from: number = left === undefined ? end + 2 : 0;
      left ??= Number.parseInt(rest.toString('latin1', 0, end), 16);
      rest = rest.subarray(from);
      if (left === 0 || rest.length < left + 2) break;
      yield rest.subarray(0, left);
      rest = rest.subarray(left + 2);
      left = undefined;
    }
  }
  if (left !== 0) throw new S3Refusal(400, 'IncompleteBody', 'The last chunk is missing.');
  for (const line of rest.toString('latin1').split('\r\n')) {
    const [name = '', value = ''] = line.split(/:(.*)/s);
    if (name !== '') trailers.set(name.toLowerCase(), value.trim());
  }
  const announced = text(request, 'x-amz-trailer').toLowerCase();
  if (!trailers.has(announced))
    throw new S3Refusal(400, 'MalformedTrailerError', `The trailer ${announced} is missing.`);
}
