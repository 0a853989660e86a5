import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test, type Site } from '../support/site.ts';

const SCHEMA = `
  CREATE TABLE users (id serial PRIMARY KEY, name text);
  INSERT INTO users (name) SELECT 'user ' || n FROM generate_series(1, 3000) AS n`;

/** Two more places, one of them offsite and locked, and rules that they keep. @returns the folder of the second */
function withCopies(site: Site, keep?: object): string {
  const [near, far] = ['near', 'far'].map((name) => join(site.folder, name));
  for (const folder of [near, far]) mkdirSync(folder ?? '', { recursive: true });
  const copies = [
    { name: 'near', type: 'directory', directory: near },
    {
      name: 'far',
      type: 'directory',
      directory: far,
      medium: 'object',
      offsite: true,
      immutableFor: '30 days',
      ...(keep && { keep }),
    },
  ];
  const rules = { maxAge: '1 day', copies: 4, media: 2, offsite: 1, immutable: 1 };
  site.configure({ backups: { directory: join(site.folder, 'backups'), copies, rules }, tasks: {} });
  return join(far ?? '', 'app');
}

function flipIn(path: string): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

test('3-2-1 is kept by receipts, is not any more when a copy went bad, and is again when it was made anew', async ({
  site,
}) => {
  await site.database.query(SCHEMA);
  const far = withCopies(site);
  await site.run('backup');
  const good = await site.run('backups', 'status', '--json');
  expect(good).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(good.stdout)).toMatchObject({ threeTwoOne: { copies: 4, media: 2, offsite: 1, immutable: 1 } });

  const [id = ''] = readdirSync(far);
  flipIn(join(far, id, 'data.dump.zst'));
  expect(await site.run('verify-backup', '--copy', 'far')).toMatchObject({ exitCode: 1 });
  const bad = await site.run('backups', 'status', '--json');
  expect(bad.exitCode).toBe(1);
  const { findings } = JSON.parse(bad.stdout);
  expect(findings).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ detail: 'copy.bad', message: expect.stringContaining('in far was found bad') }),
      expect.objectContaining({ detail: 'rule.copies' }),
      expect.objectContaining({ detail: 'rule.offsite' }),
    ]),
  );
  const listed = await site.run('backups', 'list', '--copy', 'far');
  expect(listed.stdout).toMatch(new RegExp(`${id}.* found bad .* bad`));

  await site.run('backup');
  expect(await site.run('verify-backup', '--all', '--copy', 'far')).toMatchObject({ exitCode: 0 });
  expect(await site.run('backups', 'status')).toMatchObject({ exitCode: 0 });
});

test('a copy that cannot be reached leaves the status red, though the backup of this host is good', async ({
  site,
}) => {
  await site.database.query(SCHEMA);
  const far = withCopies(site);
  renameSync(join(far, '..'), join(site.folder, 'unplugged'));
  expect(await site.run('backup')).toMatchObject({ exitCode: 1 });
  expect(site.visible()).toHaveLength(1);
  const end = await site.run('backups', 'status');
  expect(end.exitCode).toBe(1);
  expect(end.stdout).toContain('rule.offsite');
  renameSync(join(site.folder, 'unplugged'), join(far, '..'));
  await site.run('backup');
  expect(await site.run('backups', 'status')).toMatchObject({ exitCode: 0 });
});

test('a pin holds in a copy with a keep of its own, too', async ({ site }) => {
  await site.database.query(SCHEMA);
  const keep = { last: 1, minVerified: 1 };
  const far = withCopies(site, keep);
  await site.run('backup');
  const [first = ''] = readdirSync(far);
  await site.run('backups', 'pin', first, '--reason', 'the audit');
  await site.run('backup');
  expect(readdirSync(far)).toContain(first);
  const dry = await site.run('backups', 'prune', '--copy', 'far', '--dry-run');
  expect(dry.stdout).toContain(`keep    ${first}  pinned`);
  await site.run('backups', 'unpin', first);
  expect(await site.run('backups', 'prune', '--copy', 'far')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('removed 1 of 2'),
  });
  expect(readdirSync(far)).not.toContain(first);
  expect(site.visible()).toContain(first);
});
