import { describe, expect, test } from 'vitest';
import { openProgress, type ProgressLine } from '../../src/cli/progress.ts';
import { stepOf } from '../support/reports.ts';

interface Terminal {
  readonly line: ProgressLine;
  readonly written: string[];
  /** Lets time pass; the timer ticks each time. */
  readonly pass: (ms: number) => void;
  readonly isTicking: () => boolean;
  /** What a person sees on the last line. */
  readonly shown: () => string;
}

function terminal({ isTerminal = true, isWanted = true, columns = 80 } = {}): Terminal {
  const written: string[] = [];
  const ticks = new Set<() => void>();
  let nowMs = 5_000;
  const line = openProgress({
    world: {
      stderr: { isTerminal, columns, write: (text) => written.push(text) },
      monotonicMs: () => nowMs,
    },
    isWanted,
    every: (_, callback) => {
      ticks.add(callback);
      return () => ticks.delete(callback);
    },
  });
  return {
    line,
    written,
    pass(ms) {
      nowMs += ms;
      for (const tick of ticks) tick();
    },
    isTicking: () => ticks.size > 0,
    shown: () => written.join('').split('\r\u001b[K').at(-1) ?? '',
  };
}

describe('openProgress', () => {
  test('says what, how far, how fast and how long still', () => {
    const { line, pass, shown } = terminal();
    line.stepStarted('backup', 'dump app');
    pass(10_000);
    line.progressed({ done: 100 * 2 ** 20, total: 400 * 2 ** 20, unit: 'bytes' });
    pass(200);
    expect(shown()).toBe('backup: dump app  100 MB of 400 MB (25 %)  9.8 MB/s  30.6 s left');
  });

  test('says how long it has been where nothing else is known', () => {
    const { line, pass, shown } = terminal();
    line.stepStarted('health', 'http app');
    pass(3_000);
    expect(shown()).toBe('health: http app  3.0 s');
  });

  test('counts rows without a total', () => {
    const { line, pass, shown } = terminal();
    line.stepStarted('prune', 'sessions');
    pass(4_000);
    line.progressed({ done: 8_000, unit: 'rows' });
    pass(100);
    expect(shown()).toBe('prune: sessions  8,000 rows  1,951 rows/s  4.1 s');
  });

  test('says 100 % only when all of it is done', () => {
    const { line, pass, shown } = terminal();
    line.stepStarted('backup', 'dump');
    pass(4_000);
    line.progressed({ done: 9_999, total: 10_000, unit: 'rows' });
    pass(100);
    expect(shown()).toContain('(99 %)');
  });

  test('stays silent for a step of less than two seconds', () => {
    const { line, pass, written } = terminal();
    line.stepStarted('health', 'connections');
    pass(1_999);
    line.progressed({ done: 1, unit: 'items' });
    line.stepEnded(stepOf('connections', 'fine'));
    pass(5_000);
    expect(written).toEqual([]);
  });

  test('is redrawn at most ten times a second, however often a step reports', () => {
    const { line, pass, written } = terminal();
    line.stepStarted('backup', 'dump');
    pass(3_000);
    written.length = 0;
    for (let done = 0; done < 1_000; done += 1) {
      line.progressed({ done, unit: 'items' });
      pass(1);
    }
    expect(written.length).toBeGreaterThan(5);
    expect(written.length).toBeLessThanOrEqual(11);
  });

  test('is cleared when the step ends, and when all ends', () => {
    const { line, pass, shown, written, isTicking } = terminal();
    line.stepStarted('backup', 'dump');
    pass(3_000);
    expect(shown()).not.toBe('');
    line.stepEnded(stepOf('dump', 'fine'));
    expect(written.at(-1)).toBe('\r\u001b[K');
    line.stepStarted('backup', 'expire');
    pass(3_000);
    line[Symbol.dispose]();
    expect(written.at(-1)).toBe('\r\u001b[K');
    expect(isTicking()).toBe(false);
  });

  test('makes room for what others write', () => {
    const { line, pass, written } = terminal();
    line.stepStarted('backup', 'dump');
    pass(3_000);
    line.aside.write('a warning\n');
    expect(written.slice(-2)).toEqual(['\r\u001b[K', 'a warning\n']);
    line.aside.write('another\n');
    expect(written.slice(-1)).toEqual(['another\n']);
  });

  test.each([{ isTerminal: false }, { isWanted: false }])('draws nothing with %o', (request) => {
    const { line, pass, written, isTicking } = terminal(request);
    line.stepStarted('backup', 'dump');
    pass(60_000);
    line.progressed({ done: 1, total: 2, unit: 'items' });
    line.stepEnded(stepOf('dump', 'fine'));
    line[Symbol.dispose]();
    expect(written).toEqual([]);
    expect(isTicking()).toBe(false);
  });

  test.each([20, 30, 40, 60])('stays on one line of %i columns and keeps the numbers', (columns) => {
    const { line, pass, shown } = terminal({ columns });
    line.stepStarted('backup', 'dump a_database_with_a_very_long_name_indeed\n\u001b[2J and more');
    pass(3_000);
    line.progressed({ done: 1, total: 2, unit: 'items' });
    pass(200);
    expect(shown().length).toBeLessThan(columns);
    expect(shown()).not.toContain('\n');
    expect(shown()).not.toContain('\u001b');
    if (columns > 50) expect(shown()).toContain('1 of 2 items (50 %)');
  });
});
