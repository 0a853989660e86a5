import { statSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { openLogFile } from '../../src/adapters/log-file.ts';
import { limitRepeats } from '../../src/cli/log-repeats.ts';
import { test } from '../support/state.ts';

const line = (at: number, msg: string): string =>
  `{"level":"warn","time":"${new Date(at).toISOString()}","msg":"${msg}"}\n`;

describe('a storm of the same line', () => {
  test('a million strong takes less than a megabyte, and is counted', ({ folder }) => {
    let at = Date.parse('2026-11-21T02:00:00Z');
    {
      using file = openLogFile({ directory: folder });
      const repeats = limitRepeats(
        (text) => file.write(text),
        () => new Date(at),
      );
      for (let index = 0; index < 1_000_000; index += 1) {
        if (index % 1_000 === 0) at += 1_000;
        repeats.write(line(at, 'no route to host'));
      }
      repeats.write(line(at, 'something else'));
      repeats.flush();
    }
    expect(statSync(join(folder, 'maint.log')).size).toBeLessThan(1_000_000);
    const lines: { msg: string; repeated?: number }[] = readFileSync(join(folder, 'maint.log'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text));
    const storm = lines.filter(({ msg }) => msg === 'no route to host');
    expect(storm.reduce((sum, { repeated = 1 }) => sum + repeated, 0)).toBe(1_000_000);
    expect(lines.filter(({ msg }) => msg === 'something else')).toHaveLength(1);
  });

  test('leaves different lines alone, and the log at fourteen files', ({ folder }) => {
    using file = openLogFile({ directory: folder, maxBytes: 200 });
    const repeats = limitRepeats(
      (text) => file.write(text),
      () => new Date(0),
    );
    const texts = Array.from({ length: 60 }, (_, index) => line(0, `line ${index}`));
    for (const text of texts) repeats.write(text);
    expect(readdirSync(folder)).toHaveLength(14);
    const kept = readdirSync(folder)
      .toSorted((a, b) => Number(/\d+$/.exec(b)?.[0] ?? 0) - Number(/\d+$/.exec(a)?.[0] ?? 0))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('');
    expect(texts.join('').endsWith(kept)).toBe(true);
  });
});
