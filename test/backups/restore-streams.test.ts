import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ArchivedObject } from '../../src/backups/archive-header.ts';
import { divideLoad } from '../../src/backups/restore-streams.ts';

const MB = 2 ** 20;

function dataOf(id: number, name: string, kind = 'TABLE DATA'): ArchivedObject {
  return { id, dependencies: [], kind, schema: 'app', name, definition: '', owner: '' };
}

/** Tables of these sizes in MB, one undefined where it is not known, and a sequence between them. */
function archiveOf(sizes: readonly (number | undefined)[]) {
  const objects = sizes.flatMap((_, index) => [
    dataOf(index * 2 + 1, `t${index}`),
    dataOf(index * 2 + 2, `s${index}`, 'SEQUENCE SET'),
  ]);
  const tables = Object.fromEntries(
    sizes.map((size, index) => [`app.t${index}`, { rows: 1, ...(size !== undefined && { bytes: size * MB }) }]),
  );
  return { objects, tables };
}

const sizes = fc.array(fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }), { maxLength: 12 });

test('every object stands in one stream, each in the order of the archive, and there are as many as allowed at most', () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 16 }), (given, jobs) => {
      const { objects, tables } = archiveOf(given);
      const streams = divideLoad({ objects, tables, jobs });
      expect(streams.length).toBeLessThanOrEqual(Math.min(jobs, 4));
      expect(streams.flat().toSorted((a, b) => a - b)).toEqual(objects.map(({ id }) => id));
      for (const ids of streams) expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    }),
  );
});

test('tables are spread by their size, and the rest goes with the longest stream', () => {
  expect(divideLoad({ ...archiveOf([1, 90, 50, 45]), jobs: 2 })).toEqual([
    [2, 4, 5, 6, 7, 8],
    [1, 3],
  ]);
});

test.for([
  ['only one may run', { ...archiveOf([90, 90]), jobs: 1 }],
  ['no size is known', { ...archiveOf([undefined, undefined]), jobs: 4 }],
  ['one table is nearly everything', { ...archiveOf([900, 20]), jobs: 4 }],
] as const)('there is one stream where %s', ([, loading]) => {
  expect(divideLoad(loading)).toEqual([[1, 2, 3, 4]]);
});
