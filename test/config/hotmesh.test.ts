import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { prune } from '../../src/tasks/prune.ts';
import { runMaint } from '../support/maint.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../config/hotmesh.yaml'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'maint-hotmesh-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The block in force, then those behind comment marks, each as a file of its own. */
function variants(): readonly string[] {
  const [head = '', ...blocks] = TEXT.split(/^(?= {6}(?:# )?maintenance:)/m);
  return blocks.map((block) => head + block.replaceAll(/^( {6})# ?(?=maintenance| {2})/gm, '$1'));
}

const rule = (target: string, action: string, olderThan: string, more: object = {}): object => ({
  target,
  action,
  olderThan,
  ...more,
});

const fourRules = (streams: string, transient: string, entity: string, pruned: string): readonly object[] => [
  rule('streams', 'delete', streams),
  rule('jobs', 'delete', transient, { hasEntity: false }),
  rule('jobs', 'prune', entity, { hasEntity: true }),
  rule('jobs', 'delete', pruned, { pruned: true }),
];

describe('the schedules of HotMesh', () => {
  test('are those of its manual, and the first has the rules that maint has by default', () => {
    const blocks = variants().map((text) => {
      const read: { readonly tasks: { readonly prune: unknown } } = parse(text);
      return prune.settings.parse(read.tasks.prune).hotmesh?.maintenance;
    });
    expect(blocks).toEqual([
      { schedule: '0 2 * * *', rules: fourRules('7 days', '7 days', '7 days', '90 days') },
      { schedule: '0 3 * * *', rules: fourRules('24 hours', '14 days', '14 days', '180 days') },
      { schedule: '0 */6 * * *', rules: fourRules('24 hours', '48 hours', '3 days', '365 days') },
      false,
    ]);
    expect(blocks[0]).toMatchObject(Object(prune.settings.parse({ hotmesh: {} }).hotmesh?.maintenance));
  });

  test.for([0, 1, 2, 3])('variant %i stands before `maint config check`', async (index) => {
    const file = join(folder, `hotmesh-${index}.yaml`);
    writeFileSync(file, stringify(parse(variants()[index] ?? '')));
    chmodSync(file, 0o600);
    const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: 'postgres://maint@db1/app' };
    const { exitCode, stdout } = await runMaint({ args: ['config', 'check', '--config', file], env, cwd: folder });
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(': good')]);
  });
});
