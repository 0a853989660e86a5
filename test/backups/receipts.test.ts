import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import { appendReceipt, readReceipts, type ReceiptFacts } from '../../src/backups/receipts.ts';

const test = base.extend<{ directory: string }>({
  directory: async ({ task }, use) => {
    const directory = await mkdtemp(join(tmpdir(), `maint-receipts-${task.id}-`));
    await use(directory);
    await rm(directory, { recursive: true, force: true });
  },
});

function facts(backup: string, verdict: ReceiptFacts['verdict'] = 'pass'): ReceiptFacts {
  return {
    kind: 'verify',
    backup,
    label: 'app',
    copy: 'local',
    verdict,
    at: new Date('2026-11-21T02:00:00Z'),
    facts: { level: 'decode', verdict: 'something else', number: 99 },
  };
}

test('receipts come back in the order in which they were written, with their facts', async ({ directory }) => {
  await appendReceipt(directory, facts('first'));
  await appendReceipt(directory, facts('second', 'fail'));
  const { receipts, fault } = await readReceipts(directory, 'app');
  expect(fault).toBeUndefined();
  expect(receipts).toMatchObject([
    { number: 1, backup: 'first', verdict: 'pass', level: 'decode', previous: null },
    { number: 2, backup: 'second', verdict: 'fail', previous: { number: 1 } },
  ]);
});

test('two projects in one directory have chains of their own', async ({ directory }) => {
  await appendReceipt(directory, facts('first'));
  await appendReceipt(directory, { ...facts('other'), label: 'shop' });
  expect((await readReceipts(directory, 'shop')).receipts).toMatchObject([{ number: 1, backup: 'other' }]);
});

test('twenty writers at once make one chain without a fork', async ({ directory }) => {
  await Promise.all(Array.from({ length: 20 }, (_, index) => appendReceipt(directory, facts(`b${index}`))));
  const { receipts, fault } = await readReceipts(directory, 'app');
  expect(fault).toBeUndefined();
  expect(new Set(receipts.map(({ backup }) => backup)).size).toBe(20);
  expect(await readdir(join(directory, 'receipts', 'app'))).toHaveLength(20);
});

test('a receipt that was changed afterwards breaks the chain', async ({ directory }) => {
  for (const name of ['a', 'b', 'c']) await appendReceipt(directory, facts(name, 'fail'));
  const path = join(directory, 'receipts', 'app', '000002.json');
  await writeFile(path, (await readFile(path, 'utf8')).replace('"fail"', '"pass"'));
  expect((await readReceipts(directory, 'app')).fault).toBe('000003.json does not follow 000002.json');
});

test('a receipt that was taken out breaks the chain', async ({ directory }) => {
  for (const name of ['a', 'b', 'c']) await appendReceipt(directory, facts(name));
  await rm(join(directory, 'receipts', 'app', '000002.json'));
  expect((await readReceipts(directory, 'app')).fault).toBe('000003.json does not follow 000001.json');
});

test('what is no receipt breaks the chain and does not hide the others', async ({ directory }) => {
  for (const name of ['a', 'b']) await appendReceipt(directory, facts(name));
  await writeFile(join(directory, 'receipts', 'app', '000001.json'), '{');
  const { receipts, fault } = await readReceipts(directory, 'app');
  expect(fault).toBe('000001.json is no receipt');
  expect(receipts).toMatchObject([{ backup: 'b' }]);
});

test('a receipt that cannot be read breaks the chain, and hides no other', async ({ directory }) => {
  for (const name of ['a', 'b']) await appendReceipt(directory, facts(name));
  const path = join(directory, 'receipts', 'app', '000001.json');
  await rm(path);
  await mkdir(path);
  const { receipts, fault } = await readReceipts(directory, 'app');
  expect(fault).toBe(`${path} cannot be used (EISDIR)`);
  expect(receipts).toMatchObject([{ backup: 'b' }]);
});
