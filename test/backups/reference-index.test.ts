import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReferenceIndex, storedPath } from '../../src/backups/reference-index.ts';

describe('the index of files that rows point to', () => {
  test('knows exactly what a map would know', () => {
    const path = fc
      .string({ minLength: 1, maxLength: 4, unit: 'grapheme-ascii' })
      .map((text) => `f${text.replaceAll(/[./]/g, '_')}`);
    const size = fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined });
    const file = fc.record({ path, size: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(fc.array(fc.record({ path, size }), { maxLength: 3_000 }), fc.array(file), (rows, files) => {
        const index = new ReferenceIndex();
        for (const row of rows) index.add(row.path, row.size);
        const expected = new Map(rows.map((row) => [row.path, row.size]));
        expect(index.count).toBe(expected.size);
        const found = new Map<string, boolean>();
        for (const { path, size } of files) {
          expect(index.see(path, size)).toBe(expected.has(path));
          const wanted = expected.get(path);
          if (expected.has(path)) found.set(path, wanted === undefined || wanted === size);
        }
        for (const [path, size] of expected) {
          const state = { true: 'found', false: 'other-size', undefined: 'unseen' }[String(found.get(path))];
          expect(index.sighting(path)).toEqual({ state, size });
        }
        expect(index.unsettled).toBe([...expected.keys()].filter((path) => found.get(path) !== true).length);
      }),
      { numRuns: 100 },
    );
  });

  test('holds three hundred thousand paths apart', () => {
    const index = new ReferenceIndex();
    for (let number = 0; number < 300_000; number += 1) index.add(`uploads/${number}.jpg`, number);
    expect(index.count).toBe(300_000);
    let seen = 0;
    for (let number = 0; number < 300_000; number += 2) if (index.see(`uploads/${number}.jpg`, number)) seen += 1;
    expect(seen).toBe(150_000);
    expect(index.unsettled).toBe(150_000);
    expect(index.sighting('uploads/300000.jpg')).toBeUndefined();
  });

  test.for([
    ['a/b.jpg', 'a/b.jpg'],
    ['/a/b.jpg', 'a/b.jpg'],
    ['./a//b.jpg', 'a/b.jpg'],
    ['//a/./b.jpg', 'a/b.jpg'],
    ['a/../b.jpg', 'b.jpg'],
    ['../b.jpg', '../b.jpg'],
  ])('takes %s for %s', ([written = '', stored = '']) => {
    expect(storedPath(written)).toBe(stored);
  });
});
