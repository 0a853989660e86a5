import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test as base } from 'vitest';
import { z } from 'zod';
import { secretSetting } from '../../src/adapters/secret-setting.ts';
import { durationSetting } from '../../src/base/settings.ts';
import type { ConfigRequest } from '../../src/config/read.ts';
import { defineTask, type Task } from '../../src/engine/task.ts';

/** A task with a setting of most kinds, all with defaults. */
const look = defineTask({
  name: 'look',
  summary: 'Look at things',
  tier: 'daily',
  effect: 'reads',
  onFailure: 'continue',
  deadlineMs: 90_000,
  settings: z.strictObject({
    maxAge: durationSetting.prefault('7 days').describe('How old things may be'),
    share: z.number().min(0).max(1).default(0.8).describe('How full'),
    count: z.int().positive().default(3).describe('How many'),
    mode: z.enum(['fast', 'careful']).default('fast').describe('How'),
    labels: z.record(z.string(), z.string()).default({}).describe('Words'),
    paths: z.array(z.string()).default([]).describe('Where'),
    token: secretSetting.optional().describe('A secret'),
  }),
  examples: [],
  plan: async () => [],
});

/** A task whose settings must agree with each other. */
const tidy = defineTask({
  name: 'tidy',
  summary: 'Tidy up',
  tier: 'weekly',
  effect: 'destroys',
  onFailure: 'stop',
  deadlineMs: 3_600_000,
  settings: z
    .strictObject({ warnAt: z.number().default(1).describe('Low'), failAt: z.number().default(2).describe('High') })
    .refine(({ warnAt, failAt }) => warnAt <= failAt, 'warnAt must not be above failAt'),
  examples: [],
  plan: async () => [],
});

export const TASKS: readonly Task[] = [look, tidy];

/** A folder of its own for one test, that goes for both the working and the system directory until a test says more. */
export interface ConfigFolder {
  readonly path: string;
  /** @returns the absolute path */
  write(name: string, content: string | Uint8Array): Promise<string>;
  /** A request that looks nowhere but into this folder. */
  request(extras?: Partial<ConfigRequest>): ConfigRequest;
}

export const test = base.extend<{ folder: ConfigFolder }>({
  // oxlint-disable-next-line no-empty-pattern
  folder: async ({}, use) => {
    const path = await mkdtemp(join(tmpdir(), 'maint-config-'));
    await use({
      path,
      async write(name, content) {
        const file = join(path, name);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
        return file;
      },
      request: (extras = {}) => ({
        tasks: TASKS,
        env: {},
        cwd: path,
        systemDirectory: join(path, 'etc'),
        ...extras,
      }),
    });
    await rm(path, { recursive: true, force: true });
  },
});
