import { expect } from 'vitest';
import { test } from '../support/backups.ts';

test('a backup is taken, published and verified', async ({ database, vault }) => {
  await database.query('CREATE TABLE users AS SELECT n AS id FROM generate_series(1, 5000) AS n');
  const outcome = await vault.take();
  console.log(outcome);
  expect(outcome).toMatchObject({ status: 'done', facts: { tables: 1, rows: 5000 } });
  console.log(await vault.verify(), await vault.everything());
});
