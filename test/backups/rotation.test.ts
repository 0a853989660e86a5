import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Receipt } from '../../src/backups/receipts.ts';
import { nextTurn, turnsOf, type Holding } from '../../src/backups/rotation.ts';

const sizes = fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 4 });

function holdingsOf(counts: readonly number[]): readonly Holding<string>[] {
  return counts.map((count, place) => ({
    copy: `place${place}`,
    newestFirst: Array.from({ length: count }, (_, index) => `p${place}b${index}`),
  }));
}

function receipt(copy: string, age: string, day: number, verdict: Receipt['verdict'] = 'pass'): Receipt {
  return {
    format: 'maint-receipt/1',
    number: day + 1,
    kind: 'restore-test',
    at: new Date(Date.UTC(2026, 0, 1 + day)).toISOString(),
    host: 'h',
    backup: 'b',
    label: 'app',
    copy,
    verdict,
    previous: null,
    age,
  };
}

test('every backup of every place belongs to exactly one turn', () => {
  fc.assert(
    fc.property(sizes, (counts) => {
      const all = holdingsOf(counts).flatMap(({ newestFirst }) => newestFirst);
      const inTurns = turnsOf(holdingsOf(counts)).flatMap(({ backups }) => [...backups]);
      expect(inTurns.toSorted()).toEqual(all.toSorted());
    }),
  );
});

test('after as many tests as there are turns, each place and age was tried exactly once, the newest of all places first', () => {
  fc.assert(
    fc.property(sizes, (counts) => {
      const turns = turnsOf(holdingsOf(counts));
      const receipts: Receipt[] = [];
      for (const day of turns.keys()) {
        const turn = nextTurn(turns, receipts);
        if (turn !== undefined) receipts.push(receipt(turn.copy, turn.age, day));
      }
      const tried = receipts.map(({ copy, age }) => `${copy} ${String(age)}`);
      expect(new Set(tried).size).toBe(turns.length);
      const newest = turns.filter(({ age }) => age === 'newest').length;
      expect(tried.slice(0, newest).every((each) => each.endsWith('newest'))).toBe(true);
      // The second round goes the same way.
      const again = nextTurn(turns, receipts);
      expect(again && `${again.copy} ${again.age}`).toBe(tried[0]);
    }),
  );
});

test('a test that could not be done, or was of another kind, takes nobody’s turn away', () => {
  const turns = turnsOf(holdingsOf([1, 1]));
  expect(nextTurn(turns, [receipt('place0', 'newest', 1, 'inconclusive')])?.copy).toBe('place0');
  expect(nextTurn(turns, [{ ...receipt('place0', 'newest', 1), kind: 'verify' }])?.copy).toBe('place0');
  expect(nextTurn(turns, [receipt('place0', 'newest', 1, 'fail')])?.copy).toBe('place1');
});

test('with nothing to try there is no turn', () => {
  expect(nextTurn(turnsOf(holdingsOf([0, 0])), [])).toBeUndefined();
});
