import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { toJson } from '../../src/cli/json.ts';
import { reportJsonSchema, reportSchema } from '../../src/cli/report-schema.ts';
import { REPORTS } from './reports.ts';

const FILE = JSON.parse(readFileSync(join(import.meta.dirname, '../../config/report.schema.json'), 'utf8'));
const shipped = z.fromJSONSchema(FILE);

describe('the schema of the report', () => {
  test('is the one that is shipped', () => {
    expect(FILE).toEqual(reportJsonSchema());
  });

  test.each(Object.entries(REPORTS))('fits the report %s, and knows every field of it', (_, report) => {
    const document: unknown = JSON.parse(toJson(report));
    expect(shipped.safeParse(document).error).toBeUndefined();
    // What it does not know it leaves out.
    expect(reportSchema.parse(document)).toEqual(document);
  });

  test.each<readonly [string, object]>([
    ['a verdict that there is not', { verdict: 'fine' }],
    ['an instant that is none', { startedAt: 'yesterday' }],
    ['another format', { format: 2 }],
    [
      'a step without its summary',
      { tasks: [{ task: 'x', verdict: 'done', durationMs: 1, planned: true, steps: [{}] }] },
    ],
  ])('refuses %s', (_, change) => {
    expect(shipped.safeParse({ ...REPORTS['all-good'], ...change }).success).toBe(false);
  });

  test('allows what a later maint may add', () => {
    expect(shipped.safeParse({ ...REPORTS['all-good'], more: 1 }).success).toBe(true);
  });
});
