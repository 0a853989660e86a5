import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { moveDurably, readIfThere } from '../adapters/files.ts';
import { writeTextFile } from '../adapters/text-file.ts';
import { labelPath } from './layout.ts';

/**
 * The last receipt of a chain, as somebody outside of it remembers it. A chain tells by itself where a receipt was changed
 * or taken out of the middle, but not that its last ones are gone.
 */
export const receiptHead = z.object({
  number: z.int().positive(),
  sha256: z.string(),
  /** The first receipt, which tells this chain from one that was begun anew. */
  first: z.string(),
});

export type ReceiptHead = z.infer<typeof receiptHead>;

/** The receipts that are there: SHA-256 by number. */
export type ReceiptSums = ReadonlyMap<number, string>;

/** Beside the folder of the receipts, so that it stays when that goes. */
export function headFile(directory: string, label: string): string {
  return join(directory, 'receipts', `${labelPath(label)}.head.json`);
}

/** @returns what is remembered of the chain on this host; undefined where nothing is, or what is there is none */
export async function readReceiptHead(directory: string, label: string): Promise<ReceiptHead | undefined> {
  const text = await readIfThere(headFile(directory, label));
  try {
    return text === undefined ? undefined : receiptHead.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * Remembers a new last receipt. What is remembered of receipts that are gone is not written over: it is the evidence.
 * @throws MaintError FILE_UNUSABLE, NO_SPACE
 */
export async function rememberHead(
  directory: string,
  { label, head, sumOf }: { readonly label: string; readonly head: ReceiptHead; readonly sumOf: SumOf },
): Promise<void> {
  const known = await readReceiptHead(directory, label);
  if (known !== undefined && (known.number >= head.number || (await sumOf(known.number)) !== known.sha256)) return;
  const path = headFile(directory, label);
  const whole = `${path}.${randomUUID()}`;
  writeTextFile(whole, `${JSON.stringify(head)}\n`);
  await moveDurably(whole, path);
}

/** The SHA-256 of the receipt with a number; undefined where there is none. */
type SumOf = (number: number) => Promise<string | undefined>;

/** Who remembers the chain. */
interface Witnesses {
  /** This host. */
  readonly here: ReceiptHead | undefined;
  /** Manifests of backups that were taken here. */
  readonly manifests: readonly ReceiptHead[];
}

/** @returns what of the chain is missing at its end, in one line; undefined where nothing is */
export function missingTail(sums: ReceiptSums, { here, manifests }: Witnesses): string | undefined {
  const first = sums.get(Math.min(...sums.keys()));
  // What belongs to a chain that was moved aside says nothing about this one, once this one is remembered.
  const isOurs = (head: ReceiptHead): boolean => first === undefined || here?.first !== first || head.first === first;
  const heads = [...(here === undefined ? [] : [here]), ...manifests.filter(isOurs)];
  const lost = heads.filter(({ number, sha256 }) => sums.get(number) !== sha256);
  const [furthest] = lost.toSorted((a, b) => b.number - a.number);
  if (furthest === undefined) return undefined;
  const last = Math.max(0, ...sums.keys());
  if (last >= furthest.number) return `receipt ${furthest.number} is another one than was written`;
  return last === 0 ? `all ${furthest.number} are gone` : `there were ${furthest.number}, the last one left is ${last}`;
}

/** In hex. */
export function sumOfReceipt(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
