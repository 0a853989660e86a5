import { resolve } from 'node:path';
import { z } from 'zod';
import { recipientFault } from '../adapters/age-keys.ts';
import { secretTextSetting } from '../adapters/secret-setting.ts';
import { copySettings, type CopySettings } from './copy-settings.ts';
import { openCopy } from './open-copy.ts';
import type { BackupPlaces, CopyPlace } from '../engine/backup-places.ts';
import { ruleSettings } from './rules.ts';

const fileSet = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and -')
    .describe('What reports and file names call it'),
  directory: z.string().min(1).describe('The folder that the files lie in'),
  references: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A query that names the files which rows point to: a column path, relative to the folder, and, where it is known, ' +
        'a column size in bytes',
    ),
});

const recipient = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    const fault = recipientFault(text);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  });

const encryption = z.strictObject({
  recipients: z
    .array(recipient)
    .default([])
    .describe('Public keys of age; every backup is encrypted to all of them. Give two: one of yours, one locked away'),
  identity: secretTextSetting
    .optional()
    .describe('The private key that this host reads backups with; leave it out on a host that only takes them'),
});

/** The block `backups` of the configuration. It reads secrets, so parse with `parseAsync`. */
export const backupSettings = z.strictObject({
  directory: z
    .string()
    .min(1)
    .optional()
    .describe('Where backups are kept; /var/backups/maint for root or the XDG data directory where left out'),
  encryption: encryption
    .prefault({})
    .describe('Who can read the backups; everyone who gets at the files where left out'),
  copies: z
    .array(copySettings)
    .default([])
    .superRefine((copies, context) => {
      for (const [index, { name }] of copies.entries())
        if (name === 'local' || copies.findIndex((each) => each.name === name) !== index)
          context.addIssue({ code: 'custom', path: [index, 'name'], message: `${name} is the name of another one` });
    })
    .describe('Other places for the same backups, which maint backup keeps up to date'),
  files: z
    .array(fileSet)
    .default([])
    .describe('Folders of the application that belong into each backup, such as uploads'),
  rules: ruleSettings.prefault({}).describe('What must be so for `maint backups status` to be content'),
});

type BackupSettings = z.output<typeof backupSettings>;

/** What tasks need of the block, paths made absolute. */
export function backupPlaces(
  { directory, encryption: { recipients, identity }, copies, files }: BackupSettings,
  cwd: string,
): Omit<BackupPlaces, 'directory'> & { readonly directory: string | undefined } {
  return {
    directory: directory === undefined ? undefined : resolve(cwd, directory),
    copies: copies.map(placeOf),
    recipients,
    identity,
    fileSets: files.map(({ name, directory: folder, references }) => ({
      name,
      directory: resolve(cwd, folder),
      references,
    })),
  };
}

function placeOf(copy: CopySettings): CopyPlace {
  const { name, medium, offsite, immutableFor, keep, readBack } = copy;
  return {
    name,
    medium,
    isOffsite: offsite,
    immutableForMs: immutableFor,
    keep,
    readsBack: readBack,
    open: () => openCopy(copy),
  };
}
