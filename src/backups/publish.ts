import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { moveDurably, syncFolder } from '../adapters/files.ts';
import { writeTextFile } from '../adapters/text-file.ts';
import { FILES } from './layout.ts';
import { formatManifest, type Manifest } from './manifest.ts';
import { restoreNotes } from './restore-notes.ts';
import { formatSums } from './sums.ts';

/**
 * Writes what a backup says about itself beside its flushed dump, and makes the folder visible under its final name.
 * The rename is the commit: before it there is no backup, after it there is a whole one.
 * @throws MaintError FILE_UNUSABLE, NO_SPACE
 */
export async function publish(stagingFolder: string, finalFolder: string, manifest: Manifest): Promise<void> {
  const texts = { [FILES.manifest]: formatManifest(manifest), [FILES.notes]: restoreNotes(manifest) };
  const sums = new Map(manifest.artifacts.map(({ path, sha256 }) => [path, sha256]));
  for (const [name, text] of Object.entries(texts)) {
    writeTextFile(join(stagingFolder, name), text);
    sums.set(name, createHash('sha256').update(text).digest('hex'));
  }
  writeTextFile(join(stagingFolder, FILES.sums), formatSums(sums));
  await syncFolder(stagingFolder);
  await moveDurably(stagingFolder, finalFolder);
}
