import { MaintError } from '../base/errors.ts';
import { openBucket, type S3Bucket, type S3Settings } from './s3-client.ts';
import { isRetained, translatedS3 } from './s3-errors.ts';
import { readFromS3 } from './s3-read.ts';
import { uploadToS3 } from './s3-upload.ts';
import type { Store, StoredFile, StoreListing } from './store.ts';

/**
 * A bucket of any S3-compatible service as a store. It asks for nothing but the rights to put, get and list; what was
 * stopped half-way is never listed. In a versioned bucket a removed file is gone from the listing, its versions stay.
 */
export function openS3Store(settings: S3Settings): Store {
  const bucket = openBucket(settings);
  return {
    name: settings.name,
    locate: (path) => bucket.locate(path),
    list: (path, signal) => list(bucket, path, signal),
    read: (path, signal) => readFromS3({ bucket, path, signal }),
    put: (path, upload, signal) => uploadToS3({ bucket, path, upload, signal }),
    remove: (path, signal) => remove(bucket, path, signal),
  };
}

async function list(bucket: S3Bucket, path: string, signal: AbortSignal): Promise<StoreListing | undefined> {
  const key = bucket.keyOf(path);
  const prefix = key === '' ? '' : `${key}/`;
  const files = new Map<string, StoredFile>();
  const folders = new Set<string>();
  let isThere = path === '';
  for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
    const page = await listPage({ bucket, path, signal }, prefix, token);
    isThere ||= page.keys.length + page.folders.length > 0;
    for (const { key, sizeBytes } of page.keys)
      files.set(key.slice(prefix.length), { name: key.slice(prefix.length), sizeBytes });
    for (const folder of page.folders) folders.add(folder.slice(prefix.length, -1));
    token = page.next;
  }
  // The mark that consoles make for an empty folder has the folder's own name; `.` and `..` would lead out of one.
  const isPlain = (name: string): boolean => name !== '' && name !== '.' && name !== '..';
  const byName = (a: StoredFile, b: StoredFile): number => (a.name < b.name ? -1 : 1);
  if (!isThere) return undefined;
  return {
    files: [...files.values()].filter(({ name }) => isPlain(name)).toSorted(byName),
    folders: [...folders].filter(isPlain).toSorted(),
  };
}

interface Request {
  readonly bucket: S3Bucket;
  readonly path: string;
  readonly signal: AbortSignal;
}

interface Page {
  readonly keys: readonly { readonly key: string; readonly sizeBytes: number }[];
  /** With a slash at the end. */
  readonly folders: readonly string[];
  readonly next: string | undefined;
}

async function listPage(request: Request, prefix: string, token: string | undefined): Promise<Page> {
  const { bucket, path, signal } = request;
  const page = await translatedS3(request, async () => {
    const s3 = await bucket.client();
    return s3.listObjectsV2(
      { Bucket: bucket.settings.bucket, Prefix: prefix, Delimiter: '/', ...(token && { ContinuationToken: token }) },
      { abortSignal: signal },
    );
  });
  const next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  // What looks like a listing but says nothing of its end is none: a backup that is not in it could be anywhere.
  if (page.IsTruncated === undefined || (page.IsTruncated && (next === undefined || next === token)))
    throw new MaintError('STORE_REFUSED', `${bucket.locate(path)}: the answer is no listing of S3`, {
      hint: `Check that endpoint of the copy ${bucket.settings.name} is the address of the S3 service itself.`,
    });
  return {
    keys: (page.Contents ?? []).map(({ Key = '', Size = 0 }) => ({ key: Key, sizeBytes: Size })),
    folders: (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix),
    next,
  };
}

async function remove(bucket: S3Bucket, path: string, signal: AbortSignal): Promise<'removed' | 'retained'> {
  return translatedS3({ bucket, path, signal }, async () => {
    const s3 = await bucket.client();
    try {
      await s3.deleteObject({ Bucket: bucket.settings.bucket, Key: bucket.keyOf(path) }, { abortSignal: signal });
      return 'removed';
    } catch (error) {
      if (isRetained(error)) return 'retained';
      throw error;
    }
  });
}
