import { openBucket, type S3Settings } from './s3-client.ts';
import { translatedS3 } from './s3-errors.ts';

/**
 * Asks a bucket for at most one name.
 * @throws MaintError STORE_UNREACHABLE when it does not answer, STORE_REFUSED when it answers with no
 */
export async function probeBucket(settings: S3Settings, signal: AbortSignal): Promise<void> {
  const bucket = openBucket(settings);
  await translatedS3({ bucket, path: '', signal }, async () => {
    const s3 = await bucket.client();
    const prefix = bucket.keyOf('');
    return s3.listObjectsV2(
      { Bucket: settings.bucket, MaxKeys: 1, ...(prefix !== '' && { Prefix: prefix }) },
      { abortSignal: signal },
    );
  });
}
