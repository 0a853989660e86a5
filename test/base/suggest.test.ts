import { expect, test } from 'vitest';
import { suggest } from '../../src/base/suggest.ts';

const WORDS = ['daily', 'weekly', 'health', 'backup', 'verify-backup', 'run'];

test.for([
  ['dialy', 'daily'],
  ['weekli', 'weekly'],
  ['helth', 'health'],
  ['HEALTH', 'health'],
  ['bakcup', 'backup'],
  ['verify-bakup', 'verify-backup'],
  ['rum', 'run'],
])('%s means %s', ([word = '', meant]) => {
  expect(suggest(word, WORDS)).toBe(meant);
});

test.for(['', 'x', 'prune', 'yearly-report', 'h'.repeat(100_000)])('a word far from all gets no suggestion', (word) => {
  expect(suggest(word, WORDS)).toBeUndefined();
});

test('the nearest word wins, whatever the order', () => {
  expect(suggest('backup', ['backups', 'backup'])).toBe('backup');
  expect(suggest('swap', ['swpa', 'stop'])).toBe('swpa');
});
