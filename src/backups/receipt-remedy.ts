import { listFolder, readIfThere } from '../adapters/files.ts';
import { quotedForShell } from '../base/shell-word.ts';

/** Where the receipts of a label are, and what outside of them remembers how many there were. */
interface ReceiptPlaces {
  /** The folder of the receipts. */
  readonly folder: string;
  readonly headFile: string;
}

/**
 * What a person does about receipts that are not whole, as lines for a shell: the evidence stays, and a new chain begins.
 * Both places have to go aside together, for either without the other looks like a theft again.
 * @throws MaintError FILE_UNUSABLE where they cannot be looked at
 */
export async function receiptRemedy({ folder, headFile }: ReceiptPlaces): Promise<readonly string[]> {
  const isFolder = (await listFolder(folder)) !== undefined;
  const isHead = (await readIfThere(headFile)) !== undefined;
  const parts = [...(isFolder ? [folder] : []), ...(isHead ? [headFile] : [])].map(quotedForShell).join(' ');
  const aside = quotedForShell(`${folder}.broken-`);
  const pins = `grep --recursive --files-with-matches '"kind": "pin"' ${aside}*`;
  return [
    'Find out who changed the receipts. Then move them aside as evidence, and let a new chain begin:',
    ...(parts === '' ? [] : [`mv -- ${parts} "$(mktemp -d ${aside}XXXXXX)"`]),
    'maint verify-backup',
    `Pin again what has to stay${isFolder ? `: ${pins}` : ''}`,
  ];
}
