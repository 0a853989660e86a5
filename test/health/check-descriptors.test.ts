import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { descriptorFacts } from '../../src/adapters/descriptors.ts';
import { judgeDescriptors } from '../../src/health/check-descriptors.ts';
import { lookOnce } from '../support/looking.ts';

test('the kernel tells of this host and of this process', async () => {
  const before = descriptorFacts();
  const files = Array.from({ length: 40 }, () => openSync('/dev/null', 'r'));
  const after = descriptorFacts();
  for (const file of files) closeSync(file);
  const own = (facts: typeof before) => facts?.processes.find(({ pid }) => pid === process.pid)?.open ?? 0;
  expect(own(after) - own(before)).toBeGreaterThanOrEqual(35);
  expect(after?.limit).toBeGreaterThan(0);
  expect(await lookOnce('descriptors', {})).toMatchObject({
    summary: expect.stringMatching(/ open files on this host/),
  });
});

test('as bad as the worst process, which is named', async () => {
  const proc = mkdtempSync(join(tmpdir(), 'maint-proc-'));
  try {
    mkdirSync(join(proc, 'sys/fs'), { recursive: true });
    writeFileSync(join(proc, 'sys/fs/file-nr'), '3200\t0\t100000\n');
    mkdirSync(join(proc, '17/fd'), { recursive: true });
    for (let file = 0; file < 95; file += 1) writeFileSync(join(proc, '17/fd', String(file)), '');
    writeFileSync(join(proc, '17/comm'), 'leaky\n');
    writeFileSync(join(proc, '17/limits'), 'Limit  Soft Limit  Hard Limit  Units\nMax open files  100  4096  files\n');
    const facts = descriptorFacts(proc);
    if (facts === undefined) throw new Error('no facts');
    expect(judgeDescriptors(facts, { warnAt: 0.7, failAt: 0.9 })).toMatchObject({
      status: 'fail',
      summary: '3,200 open files on this host (3 %); most in leaky (pid 17): 95 of 100',
      remediation: [expect.stringContaining('/proc/17/fd'), expect.any(String), expect.any(String)],
    });
    expect(judgeDescriptors(facts, { warnAt: 0.95, failAt: 0.99 }).status).toBe('warn');
  } finally {
    rmSync(proc, { recursive: true });
  }
});
