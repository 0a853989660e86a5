import { describe, expect, test } from 'vitest';
import { beginningOf, release } from '../../src/adapters/memory.ts';

describe('the memory of a piece that is released', () => {
  test('is given back at once where the piece is all of it', () => {
    const memory = new ArrayBuffer(64);
    release(Buffer.from(memory));
    expect(memory.byteLength).toBe(0);
  });

  test('is given back where the piece is the beginning of it, and nobody else looks at the rest', () => {
    const memory = new ArrayBuffer(64);
    const piece = beginningOf(memory, 10);
    expect(piece).toHaveLength(10);
    release(piece);
    expect(memory.byteLength).toBe(0);
  });

  test('is given back with the last of the pieces that it was cut into', () => {
    const memory = new ArrayBuffer(100_000);
    const [first, second] = [Buffer.from(memory, 0, 60_000), Buffer.from(memory, 60_000)];
    release(second);
    expect(memory.byteLength).toBe(100_000);
    release(first);
    expect(memory.byteLength).toBe(0);
  });

  test('is left alone where others share it', () => {
    const memory = new ArrayBuffer(64);
    release(Buffer.from(memory, 0, 10));
    release(Buffer.from(memory, 10));
    expect(memory.byteLength).toBe(64);
  });
});
