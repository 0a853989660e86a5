import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { tasksPage } from '../../scripts/tasks-page.ts';
import { wordsOf } from '../../scripts/words-of.ts';
import { secretSetting } from '../../src/adapters/secret-setting.ts';
import { ERRORS } from '../../src/base/errors.ts';
import { durationSetting, sizeSetting } from '../../src/base/settings.ts';
import { EXIT_CODES } from '../../src/cli/exit-code.ts';
import { defineTask, type Task, type TaskFlag } from '../../src/engine/task.ts';

const ROOT = join(import.meta.dirname, '..', '..');

function taskWith(settings: z.ZodType, flags: readonly TaskFlag[] = []): Task {
  return defineTask({
    name: 'sample',
    summary: 'Do what a sample does',
    tier: 'weekly',
    effect: 'changes',
    onFailure: 'stop',
    deadlineMs: 1_000,
    settings,
    flags,
    examples: [{ command: 'maint sample', summary: 'once' }],
    plan: async () => [],
  });
}

describe('wordsOf', () => {
  test('says type and default of each setting in words', () => {
    const settings = z.strictObject({
      name: z.string().describe('A name'),
      level: z.int().min(1).max(19).default(3).describe('A level'),
      many: z.int().positive().optional().describe('How many'),
      share: z.number().min(0).max(1).default(0.8).describe('A share'),
      on: z.boolean().default(true).describe('A switch'),
      how: z.enum(['fast', 'well']).default('well').describe('A choice'),
      age: durationSetting.prefault('7 days').describe('An age'),
      size: sizeSetting.optional().describe('A size'),
      key: secretSetting.optional().describe('A key'),
      paths: z.array(z.string()).default([]).describe('Some paths'),
      url: z.url().optional().describe('An address'),
    });
    const lines = wordsOf(taskWith(settings)).settings.map(({ key, type, fallback }) => `${key}: ${type}; ${fallback}`);
    expect(lines).toEqual([
      'name: text; required',
      'level: whole number from 1 to 19; default 3',
      'many: whole number from 1; optional',
      'share: number from 0 to 1; default 0.8',
      'on: true or false; default true',
      'how: one of fast, well; default well',
      'age: duration; default 7 days',
      'size: size; optional',
      'key: text or { file } or { command }; optional',
      'paths: list of text; default none',
      'url: URL; optional',
    ]);
  });

  test('opens up blocks and lists of blocks', () => {
    const inner = z.strictObject({ url: z.string().describe('Where') });
    const settings = z.strictObject({
      block: z.strictObject({ deep: inner.describe('Deep') }).describe('A block'),
      list: z.array(inner).default([]).describe('A list'),
    });
    const keys = wordsOf(taskWith(settings)).settings.map(({ key, type }) => `${key}: ${type}`);
    expect(keys).toEqual(['block.deep.url: text', 'list: list of blocks', 'list[].url: text']);
  });

  test('tells a flag whose value is a number from one that is text', () => {
    const settings = z.strictObject({
      level: z.int().min(1).max(19).default(3).describe('A level'),
      age: durationSetting.prefault('7 days').describe('An age'),
    });
    const flags = [
      { flag: '--level <n>', summary: 'x', setting: 'level' },
      { flag: '--best', summary: 'x', setting: 'level', value: 19 },
      { flag: '--age <age>', summary: 'x', setting: 'age' },
    ];
    expect(wordsOf(taskWith(settings, flags)).flags.map(({ number }) => number)).toEqual([
      { minimum: 1, maximum: 19, isWhole: true },
      undefined,
      undefined,
    ]);
  });

  test('refuses a flag for a setting that does not exist', () => {
    const flag = { flag: '--x', summary: 'x', setting: 'nowhere' };
    expect(() => wordsOf(taskWith(z.strictObject({}), [flag]))).toThrow('sample: --x stands for the setting nowhere');
  });
});

describe('tasksPage', () => {
  test('holds every exit code, every error code and every setting', () => {
    const page = tasksPage([wordsOf(taskWith(z.strictObject({ a: z.string().describe('This | that') })))]);
    for (const { code } of EXIT_CODES) expect(page).toContain(`| \`${code}\` |`);
    for (const code of Object.keys(ERRORS)) expect(page).toContain(`| \`${code}\` |`);
    expect(page).toContain('| `a` | text | required | This \\| that |');
    expect(page).toContain('Runs weekly; changes things');
  });
});

test('what is generated from the tasks is not stale', () => {
  const check = spawnSync(process.execPath, ['scripts/generate.ts', '--check'], { cwd: ROOT, encoding: 'utf8' });
  expect(check.stderr).toBe('');
  expect(check.status).toBe(0);
});
