import type { S3 } from '@aws-sdk/client-s3';
import type { Secret } from '../base/secret.ts';

/** A bucket of Amazon S3 or of a service that speaks the same, and how to talk to it. */
export interface S3Settings {
  readonly name: string;
  readonly bucket: string;
  /** What every key begins with, without a slash at either end; may be empty. */
  readonly prefix: string;
  readonly region: string;
  /** `https://host:port` of another service; Amazon's own address where left out. */
  readonly endpoint?: string | undefined;
  /** The bucket in the path of the address instead of in its host name. */
  readonly pathStyle: boolean;
  /** With `secretAccessKey`; where left out, the environment, the profile or the role of the host says who asks. */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: Secret | undefined;
  readonly sessionToken?: Secret | undefined;
  readonly storageClass?: S3StorageClass | undefined;
  readonly serverSideEncryption?: S3Encryption | undefined;
  /**
   * Let the service check a CRC32 of each part and keep it. Without, the SHA-256 that signs each request is what it
   * checks, which is all that services know that refuse these headers.
   */
  readonly checksums: boolean;
  /** A request on whose connection nothing moves for this long is given up. */
  readonly timeoutMs: number;
  /** Larger files travel in parts of this size, more where they would be over 10,000; at least 5 MiB. */
  readonly partBytes: number;
}

/** Those from which a file can be read back at once. */
export const S3_STORAGE_CLASSES = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'REDUCED_REDUNDANCY',
] as const;
type S3StorageClass = (typeof S3_STORAGE_CLASSES)[number];

/** How the service encrypts what lies there. */
export const S3_ENCRYPTIONS = ['AES256', 'aws:kms', 'aws:kms:dsse'] as const;
type S3Encryption = (typeof S3_ENCRYPTIONS)[number];

/** An open bucket. */
export interface S3Bucket {
  readonly settings: S3Settings;
  /** The client; made, and its library loaded, when it is first asked for. */
  client(): Promise<S3>;
  /** The key of a path. */
  keyOf(path: string): string;
  /** `s3://bucket/key`. */
  locate(path: string): string;
}

/** Attempts at one request, the first included, with growing pauses between them. */
const MAX_ATTEMPTS = 4;

/** Opens a bucket. Nothing is loaded or connected yet. */
export function openBucket(settings: S3Settings): S3Bucket {
  let client: Promise<S3> | undefined;
  const keyOf = (path: string): string => [settings.prefix, path].filter((part) => part !== '').join('/');
  return {
    settings,
    client: () => (client ??= makeClient(settings)),
    keyOf,
    locate: (path) => `s3://${[settings.bucket, keyOf(path)].filter((part) => part !== '').join('/')}`,
  };
}

async function makeClient(settings: S3Settings): Promise<S3> {
  const { S3 } = await import('@aws-sdk/client-s3');
  const { accessKeyId, secretAccessKey, sessionToken, endpoint } = settings;
  const hasKeys = accessKeyId !== undefined && secretAccessKey !== undefined;
  return new S3({
    region: settings.region,
    forcePathStyle: settings.pathStyle,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: { connectionTimeout: settings.timeoutMs, socketTimeout: settings.timeoutMs },
    requestChecksumCalculation: settings.checksums ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    // Whoever reads a backup compares it with the SHA-256 of its manifest, which says more.
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Waiting to be asked for the body takes a new connection for each part.
    expectContinueHeader: false,
    ...(endpoint !== undefined && { endpoint }),
    ...(hasKeys && {
      credentials: {
        accessKeyId,
        secretAccessKey: secretAccessKey.reveal(),
        ...(sessionToken !== undefined && { sessionToken: sessionToken.reveal() }),
      },
    }),
  });
}
