/**
 * A process that puts one file into a store and dies by SIGKILL as soon as the first bytes have left. Arguments: a place
 * for copies as the configuration has it, as JSON; the path; the file.
 */
import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { copySettings } from '../../src/backups/copy-settings.ts';
import { openCopy } from '../../src/backups/open-copy.ts';

const [, , copy = '', path = '', file = ''] = process.argv;

const bytes = await readFile(file);
const upload = {
  file,
  sizeBytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  onBytes: () => void process.kill(process.pid, 'SIGKILL'),
};
await openCopy(await copySettings.parseAsync(JSON.parse(copy))).put(path, upload, new AbortController().signal);
