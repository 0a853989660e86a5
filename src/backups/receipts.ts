import { join } from 'node:path';
import { z } from 'zod';
import { listFolder, makeFolder, readIfThere, syncFolder } from '../adapters/files.ts';
import { currentProcess } from '../adapters/process-owner.ts';
import { createTextFile } from '../adapters/text-file.ts';
import { MaintError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { labelPath, LOCAL } from './layout.ts';
import type { Manifest } from './manifest.ts';
import {
  headFile,
  missingTail,
  readReceiptHead,
  rememberHead,
  sumOfReceipt,
  type ReceiptHead,
} from './receipt-head.ts';
import { receiptRemedy } from './receipt-remedy.ts';

const previous = z.object({ number: z.int().positive(), sha256: z.string() });

/** What happened to a backup after it was published. Unknown fields are allowed: they are the facts of its kind. */
const receiptSchema = z.looseObject({
  format: z.literal('maint-receipt/1'),
  number: z.int().positive(),
  kind: z.enum(['verify', 'restore-test', 'copy', 'pin', 'unpin', 'acknowledge']),
  at: z.iso.datetime(),
  host: z.string(),
  /** Id of the backup. */
  backup: z.string(),
  label: z.string(),
  /** Which of its copies: `local`, or the name of a copy. */
  copy: z.string(),
  verdict: z.enum(['pass', 'fail', 'inconclusive']),
  /** The receipt before it, so that none can be changed or taken out unnoticed. */
  previous: previous.nullable(),
});

export type Receipt = z.infer<typeof receiptSchema>;

/** What a new receipt says; the rest is filled in. */
export interface ReceiptFacts extends Pick<Receipt, 'kind' | 'backup' | 'label' | 'copy' | 'verdict'> {
  readonly at: Date;
  /** Anything else worth keeping. */
  readonly facts: Readonly<Record<string, Json>>;
}

/** All receipts of a label, and whether they are all there as they were written. */
export interface ReceiptChain {
  /** Oldest first. */
  readonly receipts: readonly Receipt[];
  /** Where the chain is broken, in one line; undefined where it is whole. */
  readonly fault: string | undefined;
  /** What to do about it, line by line; nothing where it is whole. */
  readonly remedy: readonly string[];
}

const DIGITS = 6;
/** Others write at the same time, each of them taking one number; so many in a row is no coincidence. */
const ATTEMPTS = 100;

/** The folder of the receipts of a label. They lie beside the backups and outlive them. */
function receiptFolder(directory: string, label: string): string {
  return join(directory, 'receipts', labelPath(label));
}

/**
 * Writes a receipt behind the last one and names that with its SHA-256: the chain is checked with `sha256sum` alone. A
 * number is taken by whoever creates its file, so that two runs at once cannot fork the chain.
 * @returns its path
 * @throws MaintError FILE_UNUSABLE, NO_SPACE
 */
export async function appendReceipt(directory: string, { facts, at, ...known }: ReceiptFacts): Promise<string> {
  const folder = receiptFolder(directory, known.label);
  await makeFolder(folder);
  const { host } = await currentProcess();
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const last = await newest(folder);
    const number = (last?.number ?? 0) + 1;
    const path = join(folder, fileName(number));
    const stated = { format: 'maint-receipt/1', number, at: at.toISOString(), host, ...known };
    const text = { ...stated, ...facts, ...stated, previous: last ?? null };
    const written = `${JSON.stringify(text, undefined, 2)}\n`;
    if (!createTextFile(path, written)) continue;
    await syncFolder(folder);
    const sha256 = sumOfReceipt(written);
    const head = { number, sha256, first: (await sumIn(folder, 1)) ?? sha256 };
    await rememberHead(directory, { label: known.label, head, sumOf: (earlier) => sumIn(folder, earlier) });
    return path;
  }
  throw new MaintError('FILE_UNUSABLE', `no receipt could be added to ${folder}: every number was taken`);
}

/** Where a witness may have been: what is known of a backup that was taken on this host. */
interface Witness {
  readonly store: { readonly name: string };
  readonly manifest: Pick<Manifest, 'receipts'> | undefined;
}

/**
 * Reads the receipts of a label and checks their chain. One that cannot be read breaks it, and hides no other.
 * @param witnesses backups, whose manifests remember how far the chain had come; those of copies count only where this
 *   host has receipts at all, for others may look at them too
 * @throws MaintError FILE_UNUSABLE where their folder cannot be read
 */
export async function readReceipts(
  directory: string,
  label: string,
  witnesses: readonly Witness[] = [],
): Promise<ReceiptChain> {
  const folder = receiptFolder(directory, label);
  // First: whoever adds one meanwhile must not look like a thief.
  const here = await readReceiptHead(directory, label);
  const receipts: Receipt[] = [];
  let fault: string | undefined;
  let before: z.infer<typeof previous> | null = null;
  const sums = new Map<number, string>();
  for (const number of await numbers(folder)) {
    const text = await textOf(join(folder, fileName(number)));
    const receipt = typeof text === 'string' ? parseReceipt(text) : undefined;
    if (receipt !== undefined) receipts.push(receipt);
    else fault ??= typeof text === 'string' ? `${fileName(number)} is no receipt` : text.message;
    if (receipt !== undefined && !isSame(receipt.previous, before))
      fault ??= `${fileName(number)} does not follow ${before === null ? 'nothing' : fileName(before.number)}`;
    before = { number, sha256: sumOfReceipt(typeof text === 'string' ? text : '') };
    sums.set(number, before.sha256);
  }
  const isOwn = ({ store }: Witness): boolean => sums.size > 0 || here !== undefined || store.name === LOCAL;
  const manifests = witnesses.filter(isOwn).flatMap(({ manifest }) => manifest?.receipts ?? []);
  fault ??= missingTail(sums, { here, manifests });
  const remedy = fault === undefined ? [] : await receiptRemedy({ folder, headFile: headFile(directory, label) });
  return { receipts, fault, remedy };
}

/** @returns the last receipt of the chain, as a manifest remembers it; undefined where there is none */
export async function lastReceipt(directory: string, label: string): Promise<ReceiptHead | undefined> {
  const folder = receiptFolder(directory, label);
  const last = await newest(folder);
  const [first] = await numbers(folder);
  if (last === undefined || first === undefined) return undefined;
  return { ...last, first: (await sumIn(folder, first)) ?? last.sha256 };
}

async function sumIn(folder: string, number: number): Promise<string | undefined> {
  const text = await readIfThere(join(folder, fileName(number)));
  return text === undefined ? undefined : sumOfReceipt(text);
}

/** What is said of the others must not depend on one that belongs to another user, or lies on a broken sector. */
async function textOf(path: string): Promise<string | MaintError> {
  try {
    return (await readIfThere(path)) ?? '';
  } catch (error) {
    if (error instanceof MaintError) return error;
    throw error;
  }
}

function isSame(a: Receipt['previous'], b: Receipt['previous']): boolean {
  return a?.number === b?.number && a?.sha256 === b?.sha256;
}

function parseReceipt(text: string): Receipt | undefined {
  try {
    return receiptSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // No JSON: the caller says so.
    return undefined;
  }
}

async function newest(folder: string): Promise<z.infer<typeof previous> | undefined> {
  const number = (await numbers(folder)).at(-1);
  if (number === undefined) return undefined;
  return { number, sha256: sumOfReceipt((await readIfThere(join(folder, fileName(number)))) ?? '') };
}

async function numbers(folder: string): Promise<readonly number[]> {
  const names = ((await listFolder(folder)) ?? []).map(({ name }) => /^(\d+)\.json$/.exec(name)?.[1]);
  return names.flatMap((name) => (name === undefined ? [] : [Number(name)])).toSorted((a, b) => a - b);
}

function fileName(number: number): string {
  return `${String(number).padStart(DIGITS, '0')}.json`;
}
