import { describe, expect } from 'vitest';
import { condition, fragment, ident, sql } from '../../src/adapters/sql.ts';
import { test } from '../support/database.ts';

describe('a fragment', () => {
  test('brings its parameters along, numbered where it is put in', () => {
    const inner = fragment`a = ${1} AND ${fragment`b = ${'x'}`}`;
    expect(sql`SELECT ${0} FROM ${ident('t')} WHERE ${inner} AND c = ${2}`).toEqual({
      text: 'SELECT $1 FROM "t" WHERE a = $2 AND b = $3 AND c = $4',
      values: [0, 1, 'x', 2],
    });
  });
});

describe('a condition', () => {
  test.for([
    `status = 'done'`,
    `a > 1 AND (b IS NULL OR c LIKE '%;--(%')`,
    `name = 'it''s' AND "odd ) name" IS NOT NULL`,
    `body ~ '\\d+'`,
    'true',
  ])('%s is taken, in brackets', (text) => {
    const taken = condition(text);
    expect(taken && sql`${taken}`.text).toBe(`(${text})`);
  });

  test.for([
    'true) OR (true',
    'true); DROP TABLE t; SELECT (true',
    'true -- ',
    'true /* ',
    `a = 'x`,
    `a = "x`,
    `a = E'\\') OR true OR (\\'' `,
    'a = $1',
    'a = $$x$$',
    '(true',
    'true; true',
  ])('%s is refused, as it could reach beyond its brackets', (text) => {
    expect(condition(text)).toBeUndefined();
  });
});

describe('a transaction', () => {
  test('is undone as a whole when its work fails', async ({ database, session }) => {
    await database.query('CREATE TABLE t (id int)');
    const attempt = session.transaction({}, async (inside) => {
      await inside.run(sql`INSERT INTO t VALUES (1)`);
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    expect(await database.query('SELECT FROM t')).toEqual([]);
    await session.transaction({}, (inside) => inside.run(sql`INSERT INTO t VALUES (2)`));
    expect(await database.query('SELECT id FROM t')).toEqual([{ id: 2 }]);
  });

  test('has limits of its own', async ({ session }) => {
    const limits = await session.transaction({ lockTimeoutMs: 1_234 }, (inside) =>
      inside.rows(sql<{ lock: string }>`SELECT current_setting('lock_timeout') AS lock`),
    );
    expect(limits).toEqual([{ lock: '1234ms' }]);
  });
});
