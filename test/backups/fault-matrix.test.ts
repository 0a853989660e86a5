import { appendFile, copyFile, cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { clientPrograms } from '../../src/adapters/client-programs.ts';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { keyFile } from '../support/age.ts';
import { test as withVault, type Vault } from '../support/backups.ts';
import type { Around } from '../support/run-task.ts';
import { changeDump, dumpIn, editManifest, flipBit, mendAll, mendSums } from '../support/tampering.ts';

/** Other backups under the same label, to take a dump from. */
interface Others {
  /** Of the same schema without its rows. */
  readonly empty: string;
  /** Of another database. */
  readonly other: string;
}

interface Fault {
  /** The name under which it must be found. */
  readonly detail: string;
  /** Is it in the stored bytes, so that it must be found without a key too? */
  readonly isInBytes: boolean;
  inflict(folder: string, others: Others): Promise<void>;
}

const inBytes = (detail: string, inflict: Fault['inflict']): Fault => ({ detail, isInBytes: true, inflict });
const inSense = (detail: string, inflict: Fault['inflict']): Fault => ({ detail, isInBytes: false, inflict });

const swapped = async (folder: string, from: string): Promise<void> =>
  copyFile(join(from, await dumpIn(from)), join(folder, await dumpIn(folder)));
const fewerRows = (text: string): string => text.replace('"rows": 2000', '"rows": 1999');

/** What can happen to a backup at rest. */
const FAULTS: Readonly<Record<string, Fault>> = {
  'the dump is cut to half': inBytes('verify.truncated', (folder) =>
    changeDump(folder, (bytes) => bytes.subarray(0, bytes.length / 2)),
  ),
  'the dump lost its last byte': inBytes('verify.truncated', (folder) =>
    changeDump(folder, (bytes) => bytes.subarray(0, -1)),
  ),
  'a bit flipped in the first bytes': inBytes('verify.checksum_mismatch', (folder) => flipBit(folder, 0.001)),
  'a bit flipped in the middle': inBytes('verify.checksum_mismatch', (folder) => flipBit(folder, 0.5)),
  'a bit flipped at the end': inBytes('verify.checksum_mismatch', (folder) => flipBit(folder, 0.9999)),
  'four kilobytes were zeroed': inBytes('verify.checksum_mismatch', (folder) =>
    changeDump(folder, (bytes) => bytes.fill(0, bytes.length >> 1, (bytes.length >> 1) + 4_096)),
  ),
  'something was appended to the dump': inBytes('verify.checksum_mismatch', async (folder) =>
    appendFile(join(folder, await dumpIn(folder)), 'x'),
  ),
  'the dump is gone': inBytes('verify.missing_file', async (folder) => rm(join(folder, await dumpIn(folder)))),
  'the manifest is gone': inBytes('verify.missing_file', (folder) => rm(join(folder, 'manifest.json'))),
  'the checksums are gone': inBytes('verify.missing_file', (folder) => rm(join(folder, 'SHA256SUMS'))),
  'the notes are gone': inBytes('verify.missing_file', (folder) => rm(join(folder, 'RESTORE.md'))),
  'a file was added': inBytes('verify.extra_file', (folder) => writeFile(join(folder, 'virus.sh'), 'hi')),
  'the dump of an emptied database was put in': inBytes('verify.checksum_mismatch', (folder, { empty }) =>
    swapped(folder, empty),
  ),
  'the dump of another database was put in': inBytes('verify.checksum_mismatch', (folder, { other }) =>
    swapped(folder, other),
  ),
  'the dump of an emptied database was put in, and all else mended': inSense(
    'verify.rows_mismatch',
    async (folder, { empty }) => {
      await swapped(folder, empty);
      await mendAll(folder);
    },
  ),
  'the dump of another database was put in, and all else mended': inSense(
    'verify.rows_mismatch',
    async (folder, { other }) => {
      await swapped(folder, other);
      await mendAll(folder);
    },
  ),
  'the manifest was edited': inBytes('verify.manifest_changed', (folder) => editManifest(folder, fewerRows)),
  'the manifest was edited, and the checksums with it': inSense('verify.rows_mismatch', async (folder) => {
    await editManifest(folder, fewerRows);
    await mendSums(folder);
  }),
  'the manifest is no JSON any more': inBytes('verify.manifest_changed', (folder) =>
    editManifest(folder, (text) => text.slice(0, 300)),
  ),
  'the notes were edited': inBytes('verify.notes_changed', (folder) =>
    appendFile(join(folder, 'RESTORE.md'), 'rm -rf /\n'),
  ),
  'it is dated in the future': inBytes('verify.future_timestamp', async (folder) => {
    const id = basename(folder);
    const future = `2099${id.slice(4)}`;
    await editManifest(folder, (text) => text.replaceAll(id, future));
    await mendSums(folder);
    await rename(folder, join(dirname(folder), future));
  }),
  'it belongs to another project': inBytes('verify.wrong_label', async (folder) => {
    await editManifest(folder, (text) => text.replace('"label": "app"', '"label": "other"'));
    await mendSums(folder);
  }),
  'it is another backup under this name': inBytes('verify.wrong_backup', async (folder) => {
    await editManifest(folder, (text) => text.replace(`"id": "${basename(folder)}"`, '"id": "20200101T000000Z-0000"'));
    await mendSums(folder);
  }),
};

const keys = await makeKeyPair();
const programs = clientPrograms([], process.env['PATH'], {});
const encrypted: Partial<Around> = { backups: { recipients: [keys.recipient], identity: keyFile(keys) } };

/** How a backup is stored, and with what it is read. */
const CODECS: Readonly<Record<string, { taking: Partial<Around>; reading: Partial<Around> }>> = {
  compressed: { taking: {}, reading: { clients: programs } },
  'compressed and encrypted': { taking: encrypted, reading: { ...encrypted, clients: programs } },
};

interface Fixtures {
  /** Takes a good backup, and two others to take dumps from; returns a way to put the good one back. */
  backup: (taking: Partial<Around>) => Promise<Others & { readonly restored: () => Promise<string> }>;
}

const test = withVault.extend<Fixtures>({
  backup: async ({ database, vault }, use) => {
    const shelf = await mkdtemp(join(tmpdir(), 'maint-shelf-'));
    await use(async (taking) => {
      const takeAway = async (name: string): Promise<string> => {
        expect(await vault.take({}, taking)).toMatchObject({ status: 'done' });
        const [folder = ''] = await vault.backups();
        await cp(folder, join(shelf, name), { recursive: true });
        await rm(join(vault.directory, 'app'), { recursive: true });
        return folder;
      };
      await database.query(
        'CREATE TABLE users AS SELECT n AS id, md5(n::text) AS name FROM generate_series(1, 2000) AS n',
      );
      const folder = await takeAway('good');
      await database.query('TRUNCATE users');
      await takeAway('empty');
      await database.query('DROP TABLE users; CREATE TABLE orders AS SELECT 1 AS id');
      await takeAway('other');
      return {
        empty: join(shelf, 'empty'),
        other: join(shelf, 'other'),
        restored: async () => {
          await rm(join(vault.directory, 'app'), { recursive: true, force: true });
          await cp(join(shelf, 'good'), folder, { recursive: true });
          return folder;
        },
      };
    });
    await rm(shelf, { recursive: true });
  },
});

describe.each(Object.entries(CODECS))('a backup that is %s', (_, { taking, reading }) => {
  test('every fault is found, under its own name', async ({ vault, backup }) => {
    const { restored, ...others } = await backup(taking);
    for (const [fault, { detail, isInBytes, ...how }] of Object.entries(FAULTS)) {
      await how.inflict(await restored(), others);
      const outcome = await vault.verify({}, reading);
      expect(outcome, fault).toMatchObject({ status: 'fail', detail });
      expect(outcome.remediation?.length, fault).toBeGreaterThan(0);
      if (isInBytes) await expectFoundWithoutKey(vault, fault, detail);
    }
  });

  test('nothing is found where nothing happened, until it is too old', async ({ vault, backup }) => {
    await (await backup(taking)).restored();
    const in27h = { ...reading, now: () => new Date(Date.now() + 27 * 3_600_000) };
    for (const level of ['present', 'checksum', 'decode']) {
      expect(await vault.verify({ level, maxAge: '26h' }, reading), level).toMatchObject({ status: 'done' });
      expect(await vault.verify({ level, maxAge: '26h' }, in27h), level).toMatchObject({
        status: 'fail',
        detail: 'backup.stale',
      });
    }
  });
});

/** The bytes alone say so: no key, no program. */
async function expectFoundWithoutKey(vault: Vault, fault: string, detail: string): Promise<void> {
  const outcome = await vault.verify({ level: 'checksum' }, { clients: clientPrograms([], '/nonexistent', {}) });
  expect(outcome, `${fault}, level checksum`).toMatchObject({ status: 'fail' });
  // Without decoding, a file that is too short is one that is not what was written.
  if (detail !== 'verify.truncated') expect(outcome, `${fault}, level checksum`).toMatchObject({ detail });
}
