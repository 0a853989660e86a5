import { Readable } from 'node:stream';
import { MaintError } from '../base/errors.ts';
import type { S3Bucket } from './s3-client.ts';
import { isBroken, translatedS3 } from './s3-errors.ts';
import { wait } from './wait.ts';

interface Request {
  readonly bucket: S3Bucket;
  readonly path: string;
  readonly signal: AbortSignal;
}

/** What the first answer said of a file; all that follow have to be of the same one. */
interface Identity {
  readonly etag: string | undefined;
  readonly sizeBytes: number;
}

/** How often in a row a read may break off without a single byte more before it counts as failed. */
const MAX_BREAKS = 3;
const FIRST_PAUSE_MS = 200;

/**
 * Reads a file to its last byte. When the connection breaks, the rest is asked for: of the same file, and not for ever.
 * @throws MaintError as `Store.read`
 */
export async function* readFromS3(request: Request): AsyncGenerator<Buffer> {
  let identity: Identity | undefined;
  let position = 0;
  for (let breaks = 0; breaks <= MAX_BREAKS; breaks += 1) {
    if (breaks > 0) await wait(FIRST_PAUSE_MS * 2 ** breaks, request.signal);
    const answer = await ask(request, position, identity);
    identity ??= answer;
    if (answer.sizeBytes !== identity.sizeBytes) throw changed(request);
    try {
      for await (const piece of answer.body) {
        const bytes = Buffer.isBuffer(piece) ? piece : Buffer.from(piece);
        position += bytes.length;
        breaks = 0;
        yield bytes;
      }
    } catch (error) {
      request.signal.throwIfAborted();
      if (!isBroken(error)) throw error;
    } finally {
      answer.body.destroy();
    }
    request.signal.throwIfAborted();
    if (position === identity.sizeBytes) return;
  }
  const where = request.bucket.locate(request.path);
  throw new MaintError('STORE_UNREACHABLE', `${where}: the connection breaks off at byte ${position}, time and again`, {
    hint: 'Run it again; if it stays so, look at the network between this host and the service.',
  });
}

function changed({ bucket, path }: Request): MaintError {
  return new MaintError('FILE_UNUSABLE', `${bucket.locate(path)} changed while it was read`);
}

async function ask(
  request: Request,
  position: number,
  identity: Identity | undefined,
): Promise<Identity & { readonly body: Readable }> {
  const { bucket, path, signal } = request;
  const answer = await translatedS3(request, async () => {
    const s3 = await bucket.client();
    const rest = position === 0 ? {} : { Range: `bytes=${position}-` };
    const same = identity?.etag === undefined ? {} : { IfMatch: identity.etag };
    const file = { Bucket: bucket.settings.bucket, Key: bucket.keyOf(path) };
    return s3.getObject({ ...file, ...rest, ...same }, { abortSignal: signal });
  });
  const { Body: body, ContentLength: length, ContentRange: range, ETag: etag } = answer;
  if (!(body instanceof Readable) || length === undefined)
    throw new MaintError('STORE_REFUSED', `${bucket.locate(path)}: the answer does not say how long the file is`);
  if (position > 0 && !range?.startsWith(`bytes ${position}-`)) {
    body.destroy();
    throw new MaintError('STORE_REFUSED', `${bucket.locate(path)}: the service cannot go on in the middle of a file`);
  }
  return { body, etag, sizeBytes: position + length };
}
