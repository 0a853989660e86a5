import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { takeHostLock } from '../../src/adapters/host-lock.ts';
import { test } from '../support/state.ts';

const HOLDER = `
  import { takeHostLock } from '${join(import.meta.dirname, '../../src/adapters/host-lock.ts')}';
  const lock = takeHostLock(process.argv[1]);
  console.log(lock === undefined ? 'busy' : 'held');
  setInterval(() => lock, 1000);
`;

describe('the host lock', () => {
  test('is held by one at a time and free after its release', ({ folder }) => {
    const first = takeHostLock(folder);
    expect(first).toBeDefined();
    expect(takeHostLock(folder)).toBeUndefined();
    first?.[Symbol.dispose]();
    using again = takeHostLock(folder);
    expect(again).toBeDefined();
  });

  test('left behind by kill -9 stops nobody, not even while a grandchild lives on', async ({ folder }) => {
    const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(holder.stdout, 'data');
    expect(String(said)).toBe('held\n');
    expect(takeHostLock(folder)).toBeUndefined();
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    using lock = takeHostLock(folder);
    expect(lock).toBeDefined();
  });

  test('works where nothing can be written', ({ folder }) => {
    chmodSync(folder, 0o500);
    using lock = takeHostLock(folder);
    expect(lock).toBeDefined();
    expect(takeHostLock(folder)).toBeUndefined();
    chmodSync(folder, 0o700);
  });

  test('of a folder that is not there is an error that names it', ({ folder }) => {
    expect(() => takeHostLock(join(folder, 'missing'))).toThrow(/missing cannot be opened/);
  });
});
