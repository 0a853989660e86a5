import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listFolder, readIfThere } from '../adapters/files.ts';
import type { World } from '../base/world.ts';
import { slugOf } from '../engine/fault.ts';
import { unknownWord } from './usage.ts';

/** They come with the program: at night the wiki may be down too. */
const FOLDER = fileURLToPath(new URL('../../docs/runbooks', import.meta.url));

/**
 * `maint runbook <check>`: what a check means and what to do.
 * @returns the exit code
 * @throws MaintError USAGE for a check that has no page
 */
export async function runbookCommand({ check }: { readonly check: string }, { stdout }: World): Promise<number> {
  const pages = ((await listFolder(FOLDER)) ?? []).map(({ name }) => name.replace(/\.md$/, ''));
  const slug = slugOf(check);
  // `disk /var/lib` is a step of its own, but has the page of all disks.
  const [page] = pages
    .filter((each) => slug === each || slug.startsWith(`${each}-`))
    .toSorted((a, b) => b.length - a.length);
  const text = page === undefined ? undefined : await readIfThere(join(FOLDER, `${page}.md`));
  if (text === undefined) throw unknownWord('runbook', check, pages);
  stdout.write(text);
  return 0;
}
