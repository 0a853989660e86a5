import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { S3Server } from './s3-server.ts';
import { test as withSite, type Site } from './site.ts';
import { copyIn, s3Server, shellCopy, type Copy } from './stores.ts';

/** More than a disk takes in an instant, and more than one part. */
export const MANY_ROWS =
  'CREATE TABLE noise AS SELECT md5(random()::text) AS a, md5(random()::text) AS b FROM generate_series(1, 160000)';
/** Names of the three places. */
export const PLACES = ['shelf', 'cloud', 'shell'];

interface Fixtures {
  /** The service of the bucket. */
  cloud: S3Server;
  /** Configures the site with the three places; changes are laid over the one of that name. */
  configure: (changes?: Readonly<Record<string, Copy>>) => void;
}

/** `test` with a set-up whose backups go to three places: a folder, a bucket, and one that commands reach. */
export const test = withSite.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern
  cloud: async ({}, use) => use(await s3Server()),
  configure: async ({ site, cloud }, use) => {
    for (const name of ['shelf', 'shell']) mkdirSync(join(site.folder, name));
    const places = [
      { type: 'directory', name: 'shelf', directory: join(site.folder, 'shelf') },
      copyIn(cloud, { offsite: true }),
      shellCopy(join(site.folder, 'shell')),
    ];
    const configure = (changes: Readonly<Record<string, Copy>> = {}): void => {
      const copies = places.map((place) => ({ ...place, ...changes[String(place['name'])] }));
      site.configure({ backups: { directory: join(site.folder, 'backups'), copies } });
    };
    configure();
    await use(configure);
  },
});

/** A step of a report, as far as copies go. */
export interface Step {
  readonly title: string;
  readonly verdict: string;
  readonly detail: string | null;
  readonly facts: { readonly copied?: readonly string[]; readonly retained?: readonly string[] };
}

/** How a run ended. */
export interface Ran {
  readonly exitCode: number | null;
  readonly steps: readonly Step[];
}

/** Runs maint; the steps of its report. stdout holds nothing else. */
export async function run(site: Site, ...args: readonly string[]): Promise<Ran> {
  const { exitCode, stdout } = await site.run(...args, '--json');
  const report: { readonly tasks: readonly { readonly steps: readonly Step[] }[] } = JSON.parse(stdout);
  return { exitCode, steps: report.tasks.flatMap(({ steps }) => steps) };
}

/** The ids that maint itself sees as whole backups in a place. */
export async function wholeIn(site: Site, name: string): Promise<readonly string[]> {
  const { stdout } = await site.run('backups', 'list', '--copy', name, '--json');
  const list: { readonly backups: readonly { readonly id: string; readonly isVerified: boolean }[] } =
    JSON.parse(stdout);
  return list.backups.filter(({ isVerified }) => isVerified).map(({ id }) => id);
}
