import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test as plainTest } from 'vitest';
import { slugOf } from '../../src/engine/fault.ts';
import { test } from '../support/database.ts';
import { runHealth } from '../support/health-context.ts';

const FOLDER = join(import.meta.dirname, '../../docs/runbooks');

/** Checks that exist once for each path or address share a page. */
const MANY = ['disk', 'http'];

test('each check of health has a runbook', async ({ database }) => {
  const steps = await runHealth(database.url, { settings: { disks: ['/'], expectRole: 'primary' } });
  const pages = Object.keys(steps).map((title) => MANY.find((kind) => title.startsWith(`${kind} `)) ?? slugOf(title));
  const there = readdirSync(FOLDER).map((name) => name.replace(/\.md$/, ''));
  expect([...new Set([...pages, 'http'])].filter((page) => !there.includes(page))).toEqual([]);
});

plainTest('a runbook of a check says what it means, why it matters, what to do, and links to pages that exist', () => {
  const pages = ['database-answers', 'connections', 'sequences', 'replication', 'disk', 'http', 'checksums'];
  for (const page of pages) {
    const text = readFileSync(join(FOLDER, `${page}.md`), 'utf8');
    for (const part of ['What it means', 'Why it matters', 'What to do now', 'How to prevent it'])
      expect(text, page).toContain(`**${part}`);
    for (const [, target = ''] of text.matchAll(/\]\(([^)]+\.md)\)/g))
      expect(existsSync(join(FOLDER, target)), `${page} links to ${target}`).toBe(true);
  }
});
