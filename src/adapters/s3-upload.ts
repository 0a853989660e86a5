import { open } from 'node:fs/promises';
import type { CompletedPart, S3 } from '@aws-sdk/client-s3';
import { FileParts, type FilePart } from './file-parts.ts';
import { translated } from './files.ts';
import type { S3Bucket } from './s3-client.ts';
import { translatedS3 } from './s3-errors.ts';
import type { StoreUpload } from './store.ts';

const MIB = 2 ** 20;
/** More parts S3 does not take. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const MAX_PARTS = 10_000;
const MAX_AT_ONCE = 4;
/** What the parts under way may take together, unless a single one is larger. */
const MEMORY_BYTES = 64 * MIB;
/** For the one request that tells the service to forget an upload that failed. */
const ABANDON_TIMEOUT_MS = 10_000;

/** One file on its way into a bucket. */
interface Transfer {
  readonly bucket: S3Bucket;
  readonly path: string;
  readonly upload: StoreUpload;
  readonly signal: AbortSignal;
}

/**
 * Puts a file into a bucket: whole where it fits into one part, else in parts that the service puts together at the end.
 * The service checks each part on arrival; the file is put together only if the bytes sent have the SHA-256 expected.
 * @throws MaintError as `Store.put`; FILE_UNUSABLE when the local file is not what it should be
 */
export async function uploadToS3(transfer: Transfer): Promise<void> {
  const { bucket, upload } = transfer;
  await using file = await translated(upload.file, () => open(upload.file, 'r'));
  const partBytes = partSize(upload.sizeBytes, bucket.settings.partBytes);
  const parts = new FileParts(file, upload, partBytes);
  await (upload.sizeBytes <= partBytes ? putWhole(transfer, parts) : putInParts(transfer, parts));
}

/** At least the given size, a whole number of MiB where it has to be more. */
function partSize(sizeBytes: number, leastBytes: number): number {
  return sizeBytes <= leastBytes * MAX_PARTS ? leastBytes : Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB;
}

async function putWhole(transfer: Transfer, parts: FileParts): Promise<void> {
  const { bucket, path, upload, signal } = transfer;
  const { bytes } = (await parts.next(Buffer.alloc(upload.sizeBytes))) ?? { bytes: Buffer.alloc(0) };
  parts.requireExpected();
  await translatedS3(transfer, async () => {
    const s3 = await bucket.client();
    const object = { ...addressOf(bucket, path), ...keepingOf(bucket), Body: bytes, ContentLength: bytes.length };
    await s3.putObject(object, { abortSignal: signal });
  });
  upload.onBytes(bytes.length);
}

async function putInParts(transfer: Transfer, parts: FileParts): Promise<void> {
  const { bucket, path, signal } = transfer;
  const uploadId = await translatedS3(transfer, async () => {
    const request = { ...addressOf(bucket, path), ...keepingOf(bucket) };
    const s3 = await bucket.client();
    const { UploadId } = await s3.createMultipartUpload(
      bucket.settings.checksums ? { ...request, ChecksumAlgorithm: 'CRC32' } : request,
      { abortSignal: signal },
    );
    return UploadId;
  });
  const started = { ...addressOf(bucket, path), UploadId: uploadId };
  try {
    const sent = await sendParts(transfer, parts, started);
    parts.requireExpected();
    await translatedS3(transfer, async () => {
      const s3 = await bucket.client();
      await s3.completeMultipartUpload({ ...started, MultipartUpload: { Parts: sent } }, { abortSignal: signal });
    });
  } catch (error) {
    await abandon(await bucket.client(), started);
    throw error;
  }
}

interface Started {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

/** Several at a time, each from a buffer of its own, which it fills again and again. The first failure stops all. */
async function sendParts(transfer: Transfer, parts: FileParts, started: Started): Promise<CompletedPart[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([transfer.signal, stop.signal]);
  const sent: CompletedPart[] = [];
  let sentBytes = 0;
  const sender = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafeSlow(parts.partBytes);
    for (let part = await parts.next(buffer); part !== undefined; part = await parts.next(buffer)) {
      sent.push(await sendPart({ ...transfer, signal }, started, part));
      transfer.upload.onBytes((sentBytes += part.bytes.length));
    }
  };
  const atOnce = Math.max(1, Math.min(MAX_AT_ONCE, Math.floor(MEMORY_BYTES / parts.partBytes), parts.count));
  // The reason travels as the signal's: what the others throw after the first failure is that failure again.
  const senders = Array.from({ length: atOnce }, () => sender().catch((error: unknown) => stop.abort(error)));
  await Promise.all(senders);
  signal.throwIfAborted();
  return sent.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
}

async function sendPart(transfer: Transfer, started: Started, part: FilePart): Promise<CompletedPart> {
  const { bucket, signal } = transfer;
  return translatedS3(transfer, async () => {
    const s3 = await bucket.client();
    const answer = await s3.uploadPart(
      { ...started, PartNumber: part.number, Body: part.bytes, ContentLength: part.bytes.length },
      { abortSignal: signal },
    );
    const { ETag, ChecksumCRC32 } = answer;
    return { PartNumber: part.number, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }) };
  });
}

/** Without an answer, or without the right, the parts stay: no listing shows them, and a rule of the bucket may sweep them. */
async function abandon(s3: S3, started: Started): Promise<void> {
  await s3
    .abortMultipartUpload(started, { abortSignal: AbortSignal.timeout(ABANDON_TIMEOUT_MS) })
    .catch(() => undefined);
}

function addressOf(bucket: S3Bucket, path: string): { readonly Bucket: string; readonly Key: string } {
  return { Bucket: bucket.settings.bucket, Key: bucket.keyOf(path) };
}

/** How the service is to keep it. */
function keepingOf({ settings }: S3Bucket) {
  return {
    ...(settings.storageClass !== undefined && { StorageClass: settings.storageClass }),
    ...(settings.serverSideEncryption !== undefined && { ServerSideEncryption: settings.serverSideEncryption }),
  };
}
