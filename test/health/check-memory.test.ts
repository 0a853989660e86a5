import { expect, test } from 'vitest';
import type { MemoryFacts } from '../../src/adapters/memory-facts.ts';
import { checkMemory, judgeMemory, memorySettings } from '../../src/health/check-memory.ts';

const GB = 2 ** 30;
const SETTINGS = memorySettings.parse({});

function judged(facts: Partial<MemoryFacts>, killsBefore?: number) {
  const whole: MemoryFacts = { of: 'host', totalBytes: 100 * GB, availableBytes: 50 * GB, oomKills: 2, ...facts };
  return judgeMemory(whole, killsBefore, SETTINGS);
}

test('memory warns from 90 % and fails from 97 % on', () => {
  expect(judged({ availableBytes: 11 * GB })).toMatchObject({
    status: 'done',
    summary: '89 % of the memory taken, 11 GB of 100 GB available',
    remediation: [],
  });
  expect(judged({ availableBytes: 10 * GB }).status).toBe('warn');
  expect(judged({ availableBytes: 3 * GB })).toMatchObject({
    status: 'fail',
    remediation: expect.arrayContaining([expect.stringContaining('ps -eo')]),
  });
});

test('a container is named as one', () => {
  expect(judged({ of: 'control group' }).summary).toContain('50 % of the memory of this container taken');
});

test('a process that the kernel ended since the last look warns once', () => {
  expect(judged({}, 1)).toMatchObject({
    status: 'warn',
    summary: expect.stringContaining('the kernel ended 1 process for want of memory'),
    facts: { killed: 1 },
  });
  expect(judged({}, 2).status).toBe('done');
  expect(judged({}, undefined).status).toBe('done');
  expect(judged({ oomKills: 0 }, 5).status).toBe('done');
});

test('waiting for memory warns although there seems to be enough', () => {
  expect(judged({ stalledShare: 0.2 })).toMatchObject({
    status: 'warn',
    summary: expect.stringContaining('something waits for memory 20 % of the time'),
  });
  expect(judged({ stalledShare: 0.09 }).status).toBe('done');
});

test('this host is looked at for real, and the count of the last day is the one to compare with', async () => {
  const at = new Date(Date.UTC(2026, 0, 28));
  const asked: unknown[] = [];
  const history = {
    samples: (...question: readonly [string, string, Date]) => {
      asked.push(question);
      return [];
    },
  };
  expect((await checkMemory(SETTINGS, { history, now: () => at })).samples?.[0]).toMatchObject({
    name: 'memory.used',
    value: expect.any(Number),
    unit: 'ratio',
  });
  expect(asked).toEqual([['memory.oomKills', 'this host', new Date(Date.UTC(2026, 0, 27))]]);
});
