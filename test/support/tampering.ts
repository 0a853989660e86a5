import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Name of the dump in the folder of a backup, encrypted or not. */
export async function dumpIn(folder: string): Promise<string> {
  const found = (await readdir(folder)).find((name) => name.startsWith('data.dump'));
  if (found === undefined) throw new Error(`no dump in ${folder}`);
  return found;
}

/** Changes the bytes of the dump. */
export async function changeDump(folder: string, how: (bytes: Buffer) => Buffer): Promise<void> {
  const path = join(folder, await dumpIn(folder));
  await writeFile(path, how(await readFile(path)));
}

/** Flips one bit of the dump. @param where as a share of its length */
export async function flipBit(folder: string, where: number): Promise<void> {
  await changeDump(folder, (bytes) => {
    const at = Math.floor(bytes.length * where);
    bytes[at] = (bytes[at] ?? 0) ^ 0b100;
    return bytes;
  });
}

/** Edits the manifest, and nothing else. @throws Error where that changes nothing */
export async function editManifest(folder: string, how: (text: string) => string): Promise<void> {
  const path = join(folder, 'manifest.json');
  const before = await readFile(path, 'utf8');
  const after = how(before);
  if (after === before) throw new Error(`nothing was edited in ${path}`);
  await writeFile(path, after);
}

/** Makes the checksums right again, as someone would who covers his traces. */
export async function mendSums(folder: string): Promise<void> {
  const path = join(folder, 'SHA256SUMS');
  const names = (await readFile(path, 'utf8')).split('\n').flatMap((line) => line.split('  ')[1] ?? []);
  const lines = names.map(async (name) => `${await sha256(join(folder, name))}  ${name}\n`);
  await writeFile(path, (await Promise.all(lines)).join(''));
}

/** The manifest and the checksums say of the dump what it now is. */
export async function mendAll(folder: string): Promise<void> {
  const dump = await dumpIn(folder);
  const { length } = await readFile(join(folder, dump));
  const sum = await sha256(join(folder, dump));
  const artifact = new RegExp(`("path": "${dump}",\\s+"bytes": )\\d+(,[^}]+"sha256": )"\\w+"`);
  await editManifest(folder, (text) => text.replace(artifact, `$1${length}$2"${sum}"`));
  await mendSums(folder);
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
