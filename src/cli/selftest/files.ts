import { join } from 'node:path';
import { removeFolder } from '../../adapters/files.ts';
import { copyFolder } from '../../adapters/scratch.ts';
import { backupFolder } from '../../backups/layout.ts';
import { dumpOf, type Manifest } from '../../backups/manifest.ts';
import { FILE_FAULTS, type FileFault, type Victim } from '../../backups/selftest-faults.ts';
import type { Secret } from '../../base/secret.ts';
import { DAY_MS } from '../../base/units.ts';
import type { World } from '../../base/world.ts';
import { expectAlarm, skipped, type FaultResult } from './result.ts';
import { alarmsOf, tryTask } from './trial.ts';

/** A whole backup that copies are made of, to be damaged. */
export interface Subject {
  /** How results call it: `plain`, `encrypted`. */
  readonly name: string;
  /** A directory of backups that holds this one and nothing else. */
  readonly directory: string;
  readonly label: string;
  readonly manifest: Manifest;
  readonly identity: Secret | undefined;
  /** Folder of a backup of an emptied database; undefined where none could be made. */
  readonly empty: string | undefined;
}

/** Where and with what faults are tried. */
export interface Workshop {
  /** Where damaged copies are made. */
  readonly folder: string;
  readonly programs: readonly string[];
  readonly keep: boolean;
  readonly world: World;
  readonly signal: AbortSignal;
  /** Told of each fault that was tried. */
  readonly onResult: (result: FaultResult) => void;
}

/** Whether a backup that nobody has touched raises an alarm all the same. @returns what was raised: nothing, if all is well */
export async function falseAlarms(subject: Subject, workshop: Workshop): Promise<readonly string[]> {
  const { directory, label, identity } = subject;
  const { programs, world, signal } = workshop;
  const trial = { task: 'verify-backup' as const, settings: {}, directory, label, identity, programs };
  return alarmsOf(await tryTask(trial, world, signal));
}

/** Damages a copy of a backup in each way there is, and expects the alarm. */
export async function damageFiles(subject: Subject, workshop: Workshop): Promise<readonly FaultResult[]> {
  const results: FaultResult[] = [];
  for (const [index, fault] of FILE_FAULTS.entries()) {
    workshop.signal.throwIfAborted();
    const result = await damage(subject, { fault, index }, workshop);
    workshop.onResult(result);
    results.push(result);
  }
  return results;
}

interface Numbered {
  readonly fault: FileFault;
  readonly index: number;
}

async function damage(subject: Subject, { fault, index }: Numbered, workshop: Workshop): Promise<FaultResult> {
  const { name, directory, label, manifest, identity, empty } = subject;
  const { programs, world, signal, keep } = workshop;
  const expectation = { fault: `${name}: ${fault.name}`, expected: fault.expected };
  const dump = dumpOf(manifest);
  if (dump === undefined) return skipped(expectation, 'the backup has no dump');
  if (fault.needsEmpty === true && empty === undefined) return skipped(expectation, 'it needs a second backup');
  const copy = join(workshop.folder, `${name}-${index + 1}`);
  return expectAlarm(expectation, async () => {
    await copyFolder(directory, copy);
    const victim: Victim = { folder: backupFolder(copy, label, manifest.id), manifest, dump, empty };
    await fault.inject(victim);
    const steps = await tryTask(
      {
        task: 'verify-backup',
        settings: { level: fault.level ?? 'decode', ...(fault.isLate === true && { maxAge: '1 day' }) },
        directory: copy,
        label,
        identity: fault.isKeyless === true ? undefined : identity,
        programs,
        laterMs: fault.isLate === true ? 2 * DAY_MS : 0,
      },
      world,
      signal,
    );
    if (!keep) await removeFolder(copy);
    return alarmsOf(steps);
  });
}
