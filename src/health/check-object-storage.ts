import { z } from 'zod';
import { probeBucket } from '../adapters/s3-probe.ts';
import { secretSetting } from '../adapters/secret-setting.ts';
import { defineCheck } from './check.ts';
import { hasOwnNames, OWN_NAMES, reachQuestions, reachSettings, type Reached } from './reach.ts';

const bucketSettings = z
  .strictObject({
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/, 'must be the name of a bucket, without s3:// and without a path')
      .describe('The bucket'),
    prefix: z.string().default('').describe('What the names of its files begin with, where the key may list no others'),
    region: z.string().min(1).default('us-east-1').describe('The region of the bucket'),
    endpoint: z
      .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
      .optional()
      .describe('The address of another service than Amazon'),
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
    ...reachSettings,
  })
  .refine(({ accessKeyId, secretAccessKey }) => (accessKeyId === undefined) === (secretAccessKey === undefined), {
    message: 'accessKeyId and secretAccessKey belong together: give both, or neither',
    path: ['secretAccessKey'],
  });
type BucketSettings = z.infer<typeof bucketSettings>;

function bucketName({ name, bucket }: Pick<BucketSettings, 'name' | 'bucket'>): string {
  return name ?? bucket;
}

/** Buckets that the application reads and writes. */
export const objectStorageCheck = defineCheck({
  id: 'object-storage',
  dimension: 'dependencies',
  alertClass: 'ticket',
  impact: 'files of the application can neither be read nor stored',
  measures: 'time to the answer of the bucket, seconds',
  warns: 'slower than `objectStorage[].warnAfter`',
  fails: 'no answer, or a refusal, twice',
  settings: {
    objectStorage: z
      .array(bucketSettings)
      .refine(hasOwnNames(bucketName), OWN_NAMES)
      .prefault([])
      .describe('Buckets of the application that must answer, of Amazon S3 or a service that speaks the same'),
  },
  questions: ({ objectStorage }) =>
    reachQuestions(objectStorage, {
      word: 'object storage',
      sample: 'objectStorage.answer',
      nameOf: bucketName,
      remediation,
      attempt: list,
    }),
});

async function list(settings: BucketSettings, signal: AbortSignal): Promise<Reached> {
  await probeBucket(bucketOf(settings), signal);
  return { note: 'answers' };
}

function bucketOf({ name: _name, pathStyle, timeout, ...settings }: BucketSettings): Parameters<typeof probeBucket>[0] {
  return {
    ...settings,
    name: settings.bucket,
    pathStyle: pathStyle ?? settings.endpoint !== undefined,
    checksums: false,
    timeoutMs: timeout,
    partBytes: 5 * 2 ** 20,
  };
}

function remediation({ bucket, prefix, endpoint, region }: BucketSettings): readonly string[] {
  const where = endpoint === undefined ? '' : ` --endpoint-url '${endpoint}'`;
  return [
    `aws s3api list-objects-v2 --max-items 1 --bucket '${bucket}' --prefix '${prefix}' --region '${region}'${where}`,
    'A refusal: was the key rotated, its policy changed, or the bill not paid? No answer: the status page of the service.',
  ];
}
