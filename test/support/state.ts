import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base } from 'vitest';

interface Fixtures {
  /** An empty folder of its own, removed afterwards. */
  folder: string;
}

/** `test` with a folder. */
export const test = base.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern
  folder: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'maint-test-'));
    await use(folder);
    rmSync(folder, { recursive: true, force: true });
  },
});
