import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { moveDurably, removeFolder } from '../adapters/files.ts';
import { copyFolder, readBytes, writeBytes } from '../adapters/scratch.ts';
import { MaintError } from '../base/errors.ts';
import { FILES } from './layout.ts';
import { dumpOf, parseManifest, type Artifact, type Manifest } from './manifest.ts';
import { formatSums, parseSums } from './sums.ts';
import type { Level } from './verify-request.ts';

/** A copy of a backup that is there to be damaged. */
export interface Victim {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly dump: Artifact;
  /** Folder of another whole backup, of a database without rows; undefined where none could be made. */
  readonly empty: string | undefined;
}

/** One way in which a backup can go bad at rest, and the alarm that has to follow. */
export interface FileFault {
  readonly name: string;
  /** The dotted name that the verification must give. */
  readonly expected: string;
  /** Needs a second backup, of an emptied database. */
  readonly needsEmpty?: true;
  /** How deep the verification looks; `decode` where left out. */
  readonly level?: Level;
  /** The verification is told that a backup must not be older than a day, and that it is two days later. */
  readonly isLate?: true;
  /** The verification has no key, as in a job that may only read bytes. */
  readonly isKeyless?: true;
  inject(victim: Victim): Promise<void>;
}

const ZEROED_BYTES = 4_096;

/** Every fault that can be injected into the files of a backup. */
export const FILE_FAULTS: readonly FileFault[] = [
  ...cuts('the dump ends in the middle', (bytes) => Math.floor(bytes / 2)),
  ...cuts('the dump lacks its last byte', (bytes) => bytes - 1),
  flip('a bit of the dump flips near its beginning', (bytes) => Math.min(100, bytes - 1)),
  flip('a bit of the dump flips in the middle', (bytes) => Math.floor(bytes / 2)),
  flip('a bit of the dump flips at its end', (bytes) => bytes - 1),
  {
    ...flip('a bit of the dump flips, and nobody has the key', (bytes) => Math.floor(bytes / 2)),
    level: 'checksum',
    isKeyless: true,
  },
  {
    name: 'a block of the dump is zeroed',
    expected: 'verify.checksum_mismatch',
    inject: (victim) =>
      editDump(victim, (bytes) => {
        const at = Math.floor(bytes.length / 3);
        return bytes.fill(0, at, Math.min(at + ZEROED_BYTES, bytes.length - 1));
      }),
  },
  {
    name: 'a bit flips in what goes with the dump',
    expected: 'verify.checksum_mismatch',
    async inject({ folder, manifest, dump }) {
      const companion = manifest.artifacts.find(({ path }) => path !== dump.path);
      if (companion === undefined) throw new MaintError('FILE_UNUSABLE', 'nothing goes with the dump');
      await edit(join(folder, companion.path), (bytes) => flipped(bytes, Math.floor(bytes.length / 2)));
    },
  },
  ...Object.values(FILES).map((name): FileFault => ({
    name: `${name} is deleted`,
    expected: 'verify.missing_file',
    inject: ({ folder }) => removeFolder(join(folder, name)),
  })),
  {
    name: 'the dump is deleted',
    expected: 'verify.missing_file',
    level: 'present',
    inject: ({ folder, dump }) => removeFolder(join(folder, dump.path)),
  },
  {
    name: 'a file is added',
    expected: 'verify.extra_file',
    inject: ({ folder }) => writeBytes(join(folder, 'more.txt'), Buffer.from('nobody knows this file\n')),
  },
  {
    name: 'the notes are edited',
    expected: 'verify.notes_changed',
    inject: ({ folder }) => writeBytes(join(folder, FILES.notes), Buffer.from('do something else\n')),
  },
  {
    name: 'the manifest cannot be read',
    expected: 'verify.manifest_unreadable',
    inject: ({ folder }) => writeBytes(join(folder, FILES.manifest), Buffer.from('{')),
  },
  {
    name: 'a count of rows is edited',
    expected: 'verify.manifest_changed',
    async inject(victim) {
      await editManifest(victim, oneRowMore);
    },
  },
  {
    name: 'a count of rows is edited, and the checksums with it',
    expected: 'verify.rows_mismatch',
    inject: (victim) => editManifestAndSums(victim, oneRowMore),
  },
  {
    name: 'the manifest is of another label',
    expected: 'verify.wrong_label',
    level: 'present',
    inject: (victim) => editManifestAndSums(victim, (manifest) => ({ ...manifest, label: `${manifest.label}-other` })),
  },
  {
    name: 'the manifest is of another backup',
    expected: 'verify.wrong_backup',
    level: 'present',
    inject: (victim) => editManifestAndSums(victim, (manifest) => ({ ...manifest, id: '20200101T000000Z-0000' })),
  },
  {
    name: 'the clock was ahead',
    expected: 'verify.future_timestamp',
    level: 'present',
    inject: (victim) =>
      editManifestAndSums(victim, (manifest) => ({
        ...manifest,
        snapshot: { ...manifest.snapshot, takenAt: '2999-01-01T00:00:00.000Z' },
      })),
  },
  {
    name: 'the dump of an emptied database takes its place, with checksums to match',
    expected: 'verify.rows_mismatch',
    needsEmpty: true,
    inject: swapDump,
  },
  {
    name: 'another backup takes its place',
    expected: 'verify.wrong_backup',
    needsEmpty: true,
    async inject({ folder, empty = '' }) {
      await removeFolder(folder);
      await copyFolder(empty, folder);
    },
  },
  {
    name: 'no newer one was taken for two days',
    expected: 'backup.stale',
    level: 'present',
    isLate: true,
    inject: () => Promise.resolve(),
  },
  {
    name: 'the backup is gone',
    expected: 'backup.none',
    inject: ({ folder }) => moveDurably(folder, join(folder, '..', 'somewhere-else')),
  },
];

/** A dump that lost its end is found at every depth. */
function cuts(name: string, keep: (bytes: number) => number): readonly FileFault[] {
  const fault: FileFault = {
    name,
    expected: 'verify.truncated',
    inject: (victim) => editDump(victim, (bytes) => bytes.subarray(0, keep(bytes.length))),
  };
  return [fault, { ...fault, name: `${name}, at the first glance`, level: 'present' }];
}

function flip(name: string, where: (bytes: number) => number): FileFault {
  return {
    name,
    expected: 'verify.checksum_mismatch',
    inject: (victim) => editDump(victim, (bytes) => flipped(bytes, where(bytes.length))),
  };
}

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 0b100;
  return bytes;
}

async function editDump({ folder, dump }: Victim, change: (bytes: Buffer) => Buffer): Promise<void> {
  await edit(join(folder, dump.path), change);
}

async function edit(path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeBytes(path, change(await readBytes(path)));
}

function oneRowMore(manifest: Manifest): Manifest {
  const [largest] = Object.entries(manifest.tables).toSorted(([, a], [, b]) => b.rows - a.rows);
  if (largest === undefined) return { ...manifest, tables: { 'public.made_up': { rows: 1 } } };
  const [name, table] = largest;
  return { ...manifest, tables: { ...manifest.tables, [name]: { ...table, rows: table.rows + 1 } } };
}

/** @returns the new bytes of the manifest */
async function editManifest({ folder, manifest }: Victim, edit: (manifest: Manifest) => Manifest): Promise<Buffer> {
  const bytes = Buffer.from(`${JSON.stringify(edit(manifest), undefined, 2)}\n`);
  await writeBytes(join(folder, FILES.manifest), bytes);
  return bytes;
}

/** As whoever does it on purpose would, so that only the content can tell. */
async function editManifestAndSums(victim: Victim, edit: (manifest: Manifest) => Manifest): Promise<void> {
  const bytes = await editManifest(victim, edit);
  await editSums(victim, new Map([[FILES.manifest, sumOf(bytes)]]));
}

async function editSums({ folder }: Victim, changes: ReadonlyMap<string, string>): Promise<void> {
  const path = join(folder, FILES.sums);
  const sums = parseSums((await readBytes(path)).toString());
  await writeBytes(path, Buffer.from(formatSums(new Map([...sums, ...changes]))));
}

function sumOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function swapDump(victim: Victim): Promise<void> {
  const { folder, dump, empty = '' } = victim;
  const other = parseManifest((await readBytes(join(empty, FILES.manifest))).toString());
  const path = typeof other === 'string' ? undefined : dumpOf(other)?.path;
  if (path === undefined) throw new Error('the backup of the emptied database has no dump');
  const bytes = await readBytes(join(empty, path));
  await writeBytes(join(folder, dump.path), bytes);
  await editManifestAndSums(victim, (manifest) => ({
    ...manifest,
    artifacts: manifest.artifacts.map((artifact) =>
      artifact.path === dump.path ? { ...artifact, bytes: bytes.length, sha256: sumOf(bytes) } : artifact,
    ),
  }));
  await editSums(victim, new Map([[dump.path, sumOf(bytes)]]));
}
