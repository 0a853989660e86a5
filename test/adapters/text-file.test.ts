import { execa } from 'execa';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test as base } from 'vitest';
import { whichProgram } from '../../src/adapters/programs.ts';
import { createTextFile, writeTextFile } from '../../src/adapters/text-file.ts';

const MODULE = fileURLToPath(new URL('../../src/adapters/text-file.ts', import.meta.url));

const test = base.extend<{ folder: string }>({
  // oxlint-disable-next-line no-empty-pattern
  folder: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'maint-text-file-'));
    await use(folder);
    rmSync(folder, { recursive: true, force: true });
  },
});

/** Writes 64 KiB in a process that the system gives 8 KiB for a file: the first write ends half-way, as on a full disk. */
async function writeTooMuch(path: string): Promise<string> {
  const script = `
    const { writeTextFile } = await import(${JSON.stringify(MODULE)});
    try {
      writeTextFile(${JSON.stringify(path)}, 'x'.repeat(65_536));
      console.log('written');
    } catch (error) {
      console.log(error.code);
    }`;
  const limited = 'trap "" XFSZ; ulimit -f 8; exec "$0" --input-type=module --eval "$1"';
  return (await execa('bash', ['-c', limited, process.execPath, script])).stdout;
}

test('a file that does not fit is not written at all, and the old one stays', async ({ folder }) => {
  const path = join(folder, 'manifest.json');
  writeTextFile(path, 'old');
  expect(await writeTooMuch(path)).toBe('FILE_UNUSABLE');
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['manifest.json']);
});

test('a name is taken once, and who comes later changes nothing', ({ folder }) => {
  const path = join(folder, '000001.json');
  expect(createTextFile(path, 'first')).toBe(true);
  expect(createTextFile(path, 'second')).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('first');
  expect(readdirSync(folder)).toEqual(['000001.json']);
});

const strace = await whichProgram('strace', process.env['PATH']);

test.skipIf(strace === undefined)('a name is taken once on a file system without links too', async ({ folder }) => {
  const path = join(folder, '000001.json');
  const script = `
    const { createTextFile } = await import(${JSON.stringify(MODULE)});
    console.log([createTextFile(${JSON.stringify(path)}, 'first'), createTextFile(${JSON.stringify(path)}, 'second')].join());`;
  // The system answers as FAT does.
  const failing = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=link,linkat', '-e', 'inject=link,linkat:error=EPERM'];
  const asked = [process.execPath, '--input-type=module', '--eval', script];
  expect((await execa(strace ?? '', [...failing, ...asked])).stdout).toBe('true,false');
  expect(readFileSync(path, 'utf8')).toBe('first');
  expect(readdirSync(folder)).toEqual(['000001.json']);
});
