import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import { REPOSITORY_FILE } from '../../src/backups/layout.ts';
import { prepareRepository } from '../../src/backups/repository.ts';

const test = base.extend<{ directory: string }>({
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const parent = mkdtempSync(join(tmpdir(), 'maint-repository-'));
    await use(join(parent, 'backups'));
    rmSync(parent, { recursive: true, force: true });
  },
});

test('projects that begin in one directory at the same moment share one repository, which keeps its id', async ({
  directory,
}) => {
  const labels = Array.from({ length: 8 }, (_, index) => `app${index}`);
  const begin = async (label: string): Promise<string> => {
    await prepareRepository(directory, label);
    return readFileSync(join(directory, REPOSITORY_FILE), 'utf8');
  };
  const marks = await Promise.all(labels.map(begin));
  expect(new Set(marks).size).toBe(1);
  expect(await begin('later')).toBe(marks[0]);
  expect(readdirSync(directory).toSorted()).toEqual([...labels, 'later', REPOSITORY_FILE].toSorted());
});
