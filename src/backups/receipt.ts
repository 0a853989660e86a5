import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { listFolder, makeFolder, readIfThere, syncFolder } from '../adapters/files.ts';
import { writeTextFile } from '../adapters/text-file.ts';
import type { Json } from '../base/json.ts';

/** What a restore test proved, as evidence that outlives the backup. */
export interface ReceiptFacts {
  /** Id of the backup. */
  readonly backup: string;
  readonly label: string;
  readonly at: Date;
  readonly verdict: 'pass' | 'fail' | 'inconclusive';
  /** Anything else worth keeping. */
  readonly facts: Readonly<Record<string, Json>>;
}

const FORMAT = 'maint-receipt/1';

/** The folder of the receipts of restore tests. */
function receiptFolder(directory: string): string {
  return join(directory, 'receipts', 'restore-test');
}

/**
 * Writes a receipt that names the one before it with its SHA-256, so that none can be changed or taken out unnoticed:
 * the chain is checked with `sha256sum` alone.
 * @returns its path
 * @throws MaintError FILE_UNUSABLE, NO_SPACE
 */
export async function writeReceipt(directory: string, receipt: ReceiptFacts): Promise<string> {
  const folder = receiptFolder(directory);
  await makeFolder(folder);
  const { at, backup, label, verdict, facts } = receipt;
  const time = at.toISOString().replaceAll(/[-:]/g, '').replace('.', '');
  const path = join(folder, `${time}-${backup}.json`);
  const previous = await newestReceipt(folder);
  const text = {
    format: FORMAT,
    kind: 'restore-test',
    at: at.toISOString(),
    backup,
    label,
    verdict,
    ...facts,
    previous,
  };
  writeTextFile(path, `${JSON.stringify(text, undefined, 2)}\n`);
  await syncFolder(folder);
  return path;
}

/** Names begin with the time, so the last one is the newest. */
async function newestReceipt(folder: string): Promise<Json> {
  const names = ((await listFolder(folder)) ?? []).map(({ name }) => name).filter((name) => name.endsWith('.json'));
  const name = names.at(-1);
  if (name === undefined) return null;
  const text = (await readIfThere(join(folder, name))) ?? '';
  return { name, sha256: createHash('sha256').update(text).digest('hex') };
}
