import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { S3_ENCRYPTIONS, S3_STORAGE_CLASSES } from '../adapters/s3-client.ts';
import { HALF_A_KEY, keyIsWhole, s3PlaceSettings } from '../adapters/s3-settings.ts';
import { secretSetting } from '../adapters/secret-setting.ts';
import { durationSetting, sizeSetting } from '../base/settings.ts';
import { MEDIA } from '../engine/backup-places.ts';
import { keepSettings } from './keep-settings.ts';

const PART_LEAST_BYTES = 5 * 2 ** 20;
const PART_MOST_BYTES = 512 * 2 ** 20;

/** What is said of every place. */
const shared = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and hyphens, at most 40')
    .describe('What reports and `--copy` call it; different for each one'),
  offsite: z.boolean().default(false).describe('Whether it survives the loss of the house that the database stands in'),
  immutableFor: durationSetting
    .optional()
    .describe('How long the place itself lets nobody delete or change a file, such as the retention of an object lock'),
  keep: keepSettings
    .optional()
    .describe('Which backups stay there when newer ones have come; without it nothing is ever removed from there'),
  readBack: z
    .boolean()
    .default(true)
    .describe('Read every byte back before a copy counts; false takes the word of the place for it'),
};

const medium = z.enum(MEDIA);

const directory = z.strictObject({
  ...shared,
  type: z.literal('directory').describe('A folder of this host, or of whatever is mounted there'),
  medium: medium.default('disk').describe('On what it lies'),
  directory: z
    .string()
    .refine(isAbsolute, 'must be an absolute path')
    .describe('The folder, absolute; it has to be there, because a missing mount must not fill the disk below it'),
});

const s3 = z
  .strictObject({
    ...shared,
    type: z.literal('s3').describe('A bucket of Amazon S3, or of any service that speaks the same'),
    medium: medium.default('object').describe('On what it lies'),
    ...s3PlaceSettings,
    prefix: z
      .string()
      .transform((prefix) => prefix.replaceAll(/^\/+|\/+$/g, ''))
      .default('')
      .describe('The folder of the bucket that the backups go into; the bucket itself where left out'),
    sessionToken: secretSetting.optional().describe('The token that belongs to a key that expires'),
    storageClass: z
      .enum(S3_STORAGE_CLASSES)
      .optional()
      .describe('How the service keeps it; only classes from which a backup can be read back at once'),
    serverSideEncryption: z
      .enum(S3_ENCRYPTIONS)
      .optional()
      .describe('How the service encrypts it; as the bucket says where left out'),
    checksums: z
      .boolean()
      .default(true)
      .describe('Let the service check a CRC32 of each part and keep it; false for services that refuse it'),
    timeout: durationSetting
      .prefault('60s')
      .describe('A request on whose connection nothing moves for this long is given up'),
    partSize: sizeSetting
      .prefault('8 MB')
      .refine((bytes) => bytes >= PART_LEAST_BYTES && bytes <= PART_MOST_BYTES, 'must be 5 MB to 512 MB')
      .describe('Larger files travel in parts of this size, up to four at a time; each takes that much memory'),
  })
  .refine(keyIsWhole, HALF_A_KEY);

/** A program and its arguments, with names in braces that have to be among them. */
const commandOf = (...names: readonly string[]) =>
  z
    .array(z.string())
    .min(1)
    .refine((words) => names.every((name) => words.slice(1).some((word) => word.includes(`{${name}}`))), {
      message: `must be a program and arguments with ${names.map((name) => `{${name}}`).join(' and ')} among them`,
    });

const exitCodes = z.array(z.int().min(1).max(255)).default([]);

const command = z.strictObject({
  ...shared,
  type: z.literal('command').describe('Whatever a few commands reach: rclone, ssh, the tool of a provider'),
  medium: medium.describe('On what it lies'),
  put: commandOf('file', 'path').describe(
    'Takes {file} of this host to {path}; unless move is given, it has to appear there whole or not at all',
  ),
  get: commandOf('path').describe('Writes {path} to its stdout'),
  list: z
    .array(z.string())
    .min(1)
    .refine((words) => words.some((word) => /\{(folder|prefix)\}/.test(word)), {
      message: 'must be a program and arguments with {folder} or {prefix} among them',
    })
    .describe(
      'Prints what lies in {folder}: a line for each file, its size in bytes, a tab and its path; folders with a slash ' +
        'at the end. {prefix} is the folder with a slash, or nothing for the root. Files further down may be printed too',
    ),
  listPrefix: z
    .string()
    .default('')
    .describe(
      'What stands before each path that list prints, such as backups/{prefix}; nothing where they are relative',
    ),
  remove: commandOf('path').optional().describe('Removes {path}; nothing is ever removed where left out'),
  move: commandOf('from', 'to')
    .optional()
    .describe('Renames {from} to {to} over there, so that a file appears whole; for programs that do not do so in put'),
  notFound: exitCodes.describe('Exit codes of get, list and remove that say that there is no such file or folder'),
  retained: exitCodes.describe('Exit codes of remove that say that the place keeps the file by its own rule'),
  env: z
    .record(z.string().regex(/^\w+$/), secretSetting)
    .default({})
    .describe('Variables for the commands; all are secrets'),
  timeout: durationSetting
    .prefault('5 min')
    .describe('How long list, remove and move may take, and how long get may stay silent'),
  putTimeout: durationSetting.prefault('6 h').describe('How long put may take'),
});

/** One place for copies of backups. It reads secrets, so parse with `parseAsync`. */
export const copySettings = z.discriminatedUnion('type', [directory, s3, command]);

/** A place as read: durations in milliseconds, sizes in bytes, secrets wrapped. */
export type CopySettings = z.output<typeof copySettings>;
