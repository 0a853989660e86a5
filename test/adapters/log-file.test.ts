import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLogFile } from '../../src/adapters/log-file.ts';
import { MaintError } from '../../src/base/errors.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'maint-log-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function read(name: string): string {
  return readFileSync(join(directory, name), 'utf8');
}

describe('openLogFile', () => {
  test('appends at once, to a file and a folder that nobody else can read', () => {
    const inner = join(directory, 'a', 'b');
    using file = openLogFile({ directory: inner });
    file.write('one\n');
    expect(readFileSync(join(inner, 'maint.log'), 'utf8')).toBe('one\n');
    expect(statSync(join(inner, 'maint.log')).mode & 0o777).toBe(0o600);
    expect(statSync(inner).mode & 0o777).toBe(0o700);
  });

  test('goes on where the last run stopped, and closes a file that was open to others', () => {
    writeFileSync(join(directory, 'maint.log'), 'before\n', { mode: 0o644 });
    using file = openLogFile({ directory });
    file.write('after\n');
    expect(read('maint.log')).toBe('before\nafter\n');
    expect(statSync(join(directory, 'maint.log')).mode & 0o777).toBe(0o600);
  });

  test('puts a full file aside and keeps no more files than told', () => {
    using file = openLogFile({ directory, maxBytes: 20, files: 3 });
    for (let number = 1; number <= 9; number += 1) file.write(`line number ${number}\n`);
    expect(readdirSync(directory).toSorted()).toEqual(['maint.log', 'maint.log.1', 'maint.log.2']);
    expect(read('maint.log')).toBe('line number 9\n');
    expect(read('maint.log.1')).toBe('line number 8\n');
    expect(read('maint.log.2')).toBe('line number 7\n');
    expect(file.problem()).toBeUndefined();
  });

  test('loses no line when two runs share it', () => {
    using one = openLogFile({ directory, maxBytes: 100, files: 50 });
    using other = openLogFile({ directory, maxBytes: 100, files: 50 });
    for (let number = 0; number < 60; number += 1) (number % 2 === 0 ? one : other).write(`line number ${number}\n`);
    const lines = readdirSync(directory).flatMap((name) => read(name).trimEnd().split('\n'));
    expect(lines).toHaveLength(60);
    expect(new Set(lines).size).toBe(60);
  });

  test('says FILE_UNUSABLE where the directory cannot be made', () => {
    writeFileSync(join(directory, 'file'), '');
    const open = (): unknown => openLogFile({ directory: join(directory, 'file', 'state') });
    expect(open).toThrow(MaintError);
    expect(open).toThrow(/the log .* cannot be written/);
  });

  test('never throws while writing, and says afterwards what went wrong', () => {
    using file = openLogFile({ directory, maxBytes: 10 });
    file.write('12345678\n');
    rmSync(directory, { recursive: true });
    file.write('does not fit any more\n');
    expect(file.problem()).toMatchObject({ code: 'FILE_UNUSABLE' });
    mkdirSync(directory);
  });

  test('says afterwards that the disk was full', () => {
    symlinkSync('/dev/full', join(directory, 'maint.log'));
    using file = openLogFile({ directory });
    file.write('one\n');
    expect(file.problem()?.message).toMatch(/ENOSPC/);
  });
});
