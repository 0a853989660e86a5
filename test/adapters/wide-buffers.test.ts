import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { piecesOf } from '../../src/adapters/pieces.ts';
import { startPipeline, type Stage } from '../../src/adapters/pipeline.ts';
import { withWideBuffers } from '../../src/adapters/wide-buffers.ts';

/** Writes 300,000 short lines with the C library, as programs of PostgreSQL do. */
const writer: Stage = { name: 'seq', file: '/usr/bin/seq', args: ['1000000', '1300000'] };

/** How many bytes come at once, in the middle. */
async function middleSize(stage: Stage): Promise<number> {
  const signal = new AbortController().signal;
  await using pipeline = await startPipeline({ stages: [stage], input: 'none', signal });
  const sizes: number[] = [];
  for await (const piece of piecesOf(pipeline.output)) sizes.push(piece.length);
  return sizes.toSorted((a, b) => a - b)[Math.floor(sizes.length / 2)] ?? 0;
}

test('a program with wide buffers writes in pieces as large as can be read at once', async () => {
  const wide = await withWideBuffers(writer);
  expect(wide.file).toMatch(/stdbuf$/);
  expect(await middleSize(wide)).toBe(64 * 2 ** 10);
});

test.for([
  ['is not there', undefined],
  ['does not work', '#!/bin/sh\nexit 125\n'],
  ['complains', '#!/bin/sh\necho "cannot be preloaded" >&2\n'],
] as const)('a program stays as it is where stdbuf %s', async ([, script]) => {
  const folder = mkdtempSync(join(tmpdir(), 'maint-wide-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  if (script !== undefined) writeFileSync(join(folder, 'stdbuf'), script, { mode: 0o755 });
  expect(await withWideBuffers(writer, folder)).toEqual(writer);
});
