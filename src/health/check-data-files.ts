import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { describeEntry, followInside, realFolder } from '../adapters/file-tree.ts';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { formatCount, formatShare, plural } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import { defineCheck, type Around } from './check.ts';
import { namesDiffer, nameSetting, querySetting, SAME_NAME, subquery } from './named-sql.ts';
import { sampleOfFiles } from './sample-files.ts';
import { shareSetting } from './thresholds.ts';

const fileSettings = z.strictObject({
  name: nameSetting,
  references: querySetting.describe(
    'A query that names the files, one row each: a column path, relative to the directory, and where it is known size in bytes',
  ),
  directory: z
    .string()
    .refine(isAbsolute, 'write an absolute path')
    .describe('The folder that these paths are relative to'),
  sample: z.int().min(1).max(100_000).default(2_000).describe('So many rows are looked at each time, by chance'),
  failAt: shareSetting(0.001).describe('Fail when this share of them has no file; one without only warns'),
  bothWays: z
    .boolean()
    .default(false)
    .describe('Warn of files older than an hour, of a sample too, that no row points to'),
});
type FileSettings = z.infer<typeof fileSettings>;

/** Rows and the files that they point to. */
export const dataFilesCheck = defineCheck({
  id: 'data-files',
  dimension: 'data',
  alertClass: 'ticket',
  impact: 'uploads that people were told are safe cannot be opened',
  measures: 'share of a sample of rows whose file is missing or has another size',
  warns: 'one or more; or files that no row points to, with `dataFiles[].bothWays`',
  fails: '`dataFiles[].failAt` of them',
  settings: {
    dataFiles: z
      .array(fileSettings)
      .refine(namesDiffer, SAME_NAME)
      .prefault([])
      .describe('Rows that point to files on this host'),
  },
  questions: ({ dataFiles }) =>
    dataFiles.map((settings) => ({
      title: `data files ${settings.name}`,
      ask: (database, around) => checkFiles(database, settings, around),
    })),
});

interface Row {
  readonly path: string;
  /** In bytes, where the query tells. */
  readonly size: number | null;
}

/** @throws MaintError FILE_UNUSABLE where the folder cannot be looked into: that says nothing about the files */
async function checkFiles(database: Reader, settings: FileSettings, around: Around): Promise<Outcome> {
  const { references, sample, directory, bothWays } = settings;
  const root = await realFolder(directory);
  const rows = await database.rows(sql<Row>`
    SELECT path, size::float8 AS size
      FROM (SELECT to_jsonb(answer) ->> 'path' AS path, to_jsonb(answer) ->> 'size' AS size
              FROM ${subquery(references)} AS answer) AS named
     WHERE path IS NOT NULL ORDER BY random() LIMIT ${sample}`);
  const missing: string[] = [];
  const otherSize: string[] = [];
  for (const { path, size } of rows) {
    around.signal.throwIfAborted();
    const file = await followInside(root, path);
    if (file === undefined) missing.push(path);
    else if (size !== null && file.size !== size) otherSize.push(path);
  }
  const unreferenced = bothWays ? await unreferencedFiles(database, { settings, root, now: around.now() }) : [];
  return judgeFiles({ looked: rows.length, missing, otherSize, unreferenced }, settings);
}

/** The row of a file that was just written may still be under way. */
const SETTLED_MS = 3_600_000;

interface Walk {
  readonly settings: FileSettings;
  readonly root: string;
  readonly now: Date;
}

async function unreferencedFiles(database: Reader, { settings, root, now }: Walk): Promise<readonly string[]> {
  const { references, sample } = settings;
  const files = (await sampleOfFiles(root, sample)).filter((path) => {
    const facts = describeEntry(`${root}/${path}`);
    return typeof facts === 'object' && now.getTime() - facts.modifiedAt.getTime() > SETTLED_MS;
  });
  if (files.length === 0) return [];
  const rows = await database.rows(sql<{ path: string }>`
    SELECT path FROM unnest(${files}::text[]) AS lying (path)
     WHERE path NOT IN (SELECT to_jsonb(answer) ->> 'path' FROM ${subquery(references)} AS answer
                         WHERE to_jsonb(answer) ->> 'path' IS NOT NULL)
     ORDER BY path`);
  return rows.map(({ path }) => path);
}

interface Found {
  readonly looked: number;
  readonly missing: readonly string[];
  readonly otherSize: readonly string[];
  readonly unreferenced: readonly string[];
}

const EXAMPLES = 3;

function judgeFiles({ looked, missing, otherSize, unreferenced }: Found, settings: FileSettings): Outcome {
  const lost = missing.length + otherSize.length;
  const share = lost / Math.max(1, looked);
  const status = lost > 0 && share >= settings.failAt ? 'fail' : lost + unreferenced.length > 0 ? 'warn' : 'done';
  const parts = [
    listed(missing, 'missing'),
    listed(otherSize, 'of another size'),
    listed(unreferenced, 'without a row'),
  ].filter((part) => part !== undefined);
  const all = `${plural(looked, 'row')} looked at`;
  return {
    status,
    summary:
      parts.length === 0 ? `${all}, each has its file` : `${parts.join('; ')}; ${all} (${formatShare(share)} lost)`,
    remediation: status === 'done' ? [] : remediation(settings),
    facts: { looked, missing, otherSize, unreferenced },
    samples: [{ name: 'data.files.lost', subject: settings.name, value: share, unit: 'ratio' }],
  };
}

function listed(paths: readonly string[], what: string): string | undefined {
  if (paths.length === 0) return undefined;
  const more = paths.length > EXAMPLES ? `, and ${formatCount(paths.length - EXAMPLES)} more` : '';
  return `${plural(paths.length, 'file')} ${what}: ${paths.slice(0, EXAMPLES).join(', ')}${more}`;
}

function remediation({ directory }: FileSettings): readonly string[] {
  return [
    `findmnt -T '${directory}' # is it the volume it should be, and not an empty folder below a mount that is missing?`,
    'Bring missing files back from the newest backup that has them: maint backups list; docs/files.md says how they lie in it.',
    'After a move to another host: compare both folders with rsync -an --itemize-changes.',
  ];
}
