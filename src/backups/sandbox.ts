import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { startCluster, type Cluster } from '../adapters/cluster.ts';
import { listFolder, readIfThere, removeFolder } from '../adapters/files.ts';
import { currentProcess, isGone } from '../adapters/process-owner.ts';
import { changedAt, currentUid, endServersIn, makeScratchFolder } from '../adapters/scratch.ts';
import { writeTextFile } from '../adapters/text-file.ts';
import { readOwner } from './staging.ts';

const PREFIX = 'maint-rt-';
const OWNER_FILE = 'owner.json';
/** Between making a folder and signing it lies less than this. */
const UNSIGNED_MS = 60_000;

/** A signed folder for one restore. Disposing removes it with all that is in it. */
export interface Scratch extends AsyncDisposable {
  readonly folder: string;
}

/**
 * Makes a folder that says whose it is, so that a later run can remove it when its owner died.
 * @param parent a short path, for a socket will lie below it
 * @throws MaintError FILE_UNUSABLE, NO_SPACE
 */
export async function openScratch(parent: string): Promise<Scratch> {
  const folder = join(parent, `${PREFIX}${randomBytes(4).toString('hex')}`);
  await makeScratchFolder(folder);
  writeTextFile(join(folder, OWNER_FILE), `${JSON.stringify(await currentProcess())}\n`);
  return { folder, [Symbol.asyncDispose]: () => removeFolder(folder) };
}

/** What the load of a restore needs most, on top of what every throw-away cluster does without. */
const LOADING = {
  wal_level: 'minimal',
  max_wal_senders: '0',
  maintenance_work_mem: '128MB',
  // Newer versions of pg_restore make many large objects in one transaction.
  max_locks_per_transaction: '256',
};

/**
 * Starts a server of its own inside the folder; it listens on no network, and as root it runs as another user.
 * @throws MaintError PROGRAM_MISSING, PROGRAM_FAILED
 */
export async function openSandbox({ folder }: Scratch, binDirectory: string): Promise<Cluster> {
  return startCluster({ binDirectory, parentDirectory: folder, uid: currentUid(), settings: LOADING });
}

/** Folders whose owner died: a killed run had no time to clean up. */
export async function findDeadSandboxes(parent: string, now: Date): Promise<readonly string[]> {
  const entries = (await listFolder(parent)) ?? [];
  const ours = entries.filter(({ name, kind }) => kind === 'folder' && name.startsWith(PREFIX));
  const checked = await Promise.all(
    ours.map(async ({ name }) => ((await isDead(join(parent, name), now)) ? [join(parent, name)] : [])),
  );
  return checked.flat();
}

/**
 * Stops the servers that a killed run left running, and removes its folders.
 * @returns the folders that are gone
 */
export async function sweepSandboxes(parent: string, now: Date): Promise<readonly string[]> {
  const dead = await findDeadSandboxes(parent, now);
  for (const folder of dead) {
    await endServersIn(folder);
    await removeFolder(folder);
  }
  return dead;
}

/** The temporary folder is everybody's: what another user put there is never touched, whatever it says. */
async function isDead(folder: string, now: Date): Promise<boolean> {
  const changed = await changedAt(folder);
  if (changed === undefined) return false;
  const text = await readIfThere(join(folder, OWNER_FILE));
  const owner = text === undefined ? undefined : readOwner(text);
  return owner === undefined ? now.getTime() - changed > UNSIGNED_MS : isGone(owner);
}
