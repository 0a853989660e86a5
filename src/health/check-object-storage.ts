import { z } from 'zod';
import { probeBucket } from '../adapters/s3-probe.ts';
import { HALF_A_KEY, keyIsWhole, s3PlaceSettings } from '../adapters/s3-settings.ts';
import { defineCheck } from './check.ts';
import { hasOwnNames, OWN_NAMES, reachQuestions, reachSettings, type Reached } from './reach.ts';

const bucketSettings = z
  .strictObject({
    ...s3PlaceSettings,
    prefix: z.string().default('').describe('What the names of its files begin with, where the key may list no others'),
    ...reachSettings,
  })
  .refine(keyIsWhole, HALF_A_KEY);
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
