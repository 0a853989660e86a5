import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/backups-proofs.md'), 'utf8');

test('each promise about backups names proofs that are there', () => {
  const rows = [...page.matchAll(/^\| (\d+) +\|.*\|([^|]*)\|$/gm)];
  expect(rows.map(([, number]) => Number(number))).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
  for (const [, number, proofs = ''] of rows) {
    const paths = [...proofs.matchAll(/`([\w/-]+(?:\.test)?\.ts)`/g)].map(([, path = '']) => path);
    expect(paths.length, number).toBeGreaterThan(0);
    for (const path of paths)
      expect(existsSync(join(ROOT, path.startsWith('bench/') ? '' : 'test', path)), `${number}: ${path}`).toBe(true);
  }
});
