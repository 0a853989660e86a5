import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checks } from '../../src/health/checks.ts';

const FOLDER = join(import.meta.dirname, '../../docs/runbooks');

test('every check has a name of its own', () => {
  const ids = checks.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const keys = checks.flatMap(({ settings }) => Object.keys(settings));
  expect(new Set(keys).size).toBe(keys.length);
});

describe.each(checks.map((check) => [check.id, check] as const))('%s', (id, check) => {
  test('is declared in words for a person', () => {
    expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(check.impact).toMatch(/^[^\n]{20,120}[^.\n]$/);
    expect(check.measures.length).toBeGreaterThan(10);
    expect(check.warns ?? check.fails).toBeDefined();
  });

  test('has a runbook that says what it means, why it matters, what to do, and links to pages that exist', () => {
    const text = readFileSync(join(FOLDER, `${id}.md`), 'utf8');
    for (const part of ['What it means', 'Why it matters', 'What to do now', 'How to prevent it'])
      expect(text).toContain(`**${part}`);
    for (const [, target = ''] of text.matchAll(/\]\(([^)]+\.md)\)/g))
      expect(existsSync(join(FOLDER, target)), `it links to ${target}`).toBe(true);
  });
});
