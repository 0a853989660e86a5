import { z } from 'zod';
import { secretSetting } from './secret-setting.ts';

/** How a bucket is reached, and as whom; for spreading into a schema, together with `keyIsWhole`. */
export const s3PlaceSettings = {
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/, 'must be the name of a bucket, without s3:// and without a path')
    .describe('The bucket; it has to be there'),
  region: z.string().min(1).default('us-east-1').describe('The region of the bucket'),
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .optional()
    .describe('The address of another service than Amazon, such as https://minio.example.com:9000'),
  pathStyle: z
    .boolean()
    .optional()
    .describe('Name the bucket in the path instead of in the host name; true with an endpoint, else false'),
  accessKeyId: z
    .string()
    .min(1)
    .optional()
    .describe('Who asks; AWS_ACCESS_KEY_ID, the profile or the role of the host where left out'),
  secretAccessKey: secretSetting.optional().describe('The key that belongs to accessKeyId'),
};

interface S3Key {
  readonly accessKeyId?: unknown;
  readonly secretAccessKey?: unknown;
}

/** For `refine`: half a key opens nothing. */
export function keyIsWhole({ accessKeyId, secretAccessKey }: S3Key): boolean {
  return (accessKeyId === undefined) === (secretAccessKey === undefined);
}

/** For `refine`, together with `keyIsWhole`. */
export const HALF_A_KEY = {
  message: 'accessKeyId and secretAccessKey belong together: give both, or neither',
  path: ['secretAccessKey'],
};
