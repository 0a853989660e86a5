import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { MANY_ROWS, PLACES, run, test, wholeIn, type Ran, type Step } from '../support/copying-site.ts';
import { clusterUrl, queryOnce } from '../support/database.ts';
import type { Site } from '../support/site.ts';
import { copyIn, s3Server, shellCopy } from '../support/stores.ts';

/** The step that copies to a place. */
function copying({ steps }: Ran, name: string): Step | undefined {
  return steps.find(({ title }) => title === `copy to ${name}`);
}

/** How the newest backup of each place is judged. */
async function judged(site: Site): Promise<readonly string[]> {
  const ends = PLACES.map(async (name) => {
    const { exitCode, steps } = await run(site, 'verify-backup', '--copy', name);
    return `${name}: ${exitCode} ${steps.map(({ verdict, detail }) => detail ?? verdict).join(' ')}`;
  });
  return Promise.all(ends);
}

function flipped(bytes: Buffer): Buffer {
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

const ALL_GOOD = PLACES.map((name) => `${name}: 0 done`);

test('a backup goes to a folder, a bucket and whatever commands reach, the same bytes everywhere, and verifies there', async ({
  site,
  cloud,
  configure,
}) => {
  configure();
  await site.database.query(MANY_ROWS);
  const taken = await run(site, 'backup');
  expect(taken).toMatchObject({ exitCode: 0 });
  const [id = ''] = site.visible();
  for (const name of PLACES) expect(copying(taken, name)).toMatchObject({ verdict: 'done', facts: { copied: [id] } });
  const names = readdirSync(join(site.backups, id)).toSorted();
  expect(names).toContain('manifest.json');
  const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  for (const name of names) {
    const path = join('app', id, name);
    const expected = sum(readFileSync(join(site.backups, id, name)));
    expect(sum(readFileSync(join(site.folder, 'shelf', path))), path).toBe(expected);
    expect(sum(readFileSync(join(site.folder, 'shell', path))), path).toBe(expected);
    expect(sum(await cloud.bytesOf(path)), path).toBe(expected);
  }
  execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], {
    cwd: join(site.folder, 'shelf/app', id),
  });
  expect(await judged(site)).toEqual(ALL_GOOD);
});

test('one byte that changed in a place is found there and nowhere else', async ({ site, cloud, configure }) => {
  configure();
  await site.database.query('CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 2000) g');
  expect(await run(site, 'backup')).toMatchObject({ exitCode: 0 });
  const path = join('app', site.visible()[0] ?? '', 'data.dump.zst');
  await cloud.plant(path, flipped(await cloud.bytesOf(path)));
  const bad = 'verify.checksum_mismatch';
  expect(await judged(site)).toEqual(['shelf: 0 done', `cloud: 1 ${bad}`, 'shell: 0 done']);
  for (const place of ['shelf', 'shell']) {
    const file = join(site.folder, place, path);
    writeFileSync(file, flipped(readFileSync(file)));
  }
  expect(await judged(site)).toEqual(PLACES.map((name) => `${name}: 1 ${bad}`));
  expect(await site.run('verify-backup'), 'the one of this host').toMatchObject({ exitCode: 0 });
});

test('a place that does not answer is exit code 1 beside a good backup, and catches up with the next run', async ({
  site,
  cloud,
  configure,
}) => {
  await site.database.query('CREATE TABLE users AS SELECT 1 AS id');
  configure({ cloud: { endpoint: 'http://127.0.0.1:1', timeout: '2s' } });
  renameSync(join(site.folder, 'shelf'), join(site.folder, 'unplugged'));
  const away = await run(site, 'backup');
  expect(away.exitCode).toBe(1);
  for (const name of ['cloud', 'shelf'])
    expect(copying(away, name)).toMatchObject({ verdict: 'fail', detail: 'copy.unreachable' });
  expect(copying(away, 'shell')).toMatchObject({ verdict: 'done' });
  expect(await site.run('verify-backup')).toMatchObject({ exitCode: 0 });
  expect(site.visible()).toHaveLength(1);
  expect(await judged(site)).toEqual(['shelf: 4 crash', 'cloud: 4 crash', 'shell: 0 done']);

  renameSync(join(site.folder, 'unplugged'), join(site.folder, 'shelf'));
  configure();
  const back = await run(site, 'backup');
  expect(back.exitCode).toBe(0);
  for (const name of ['cloud', 'shelf']) expect(copying(back, name)?.facts.copied).toHaveLength(2);
  expect(copying(back, 'shell')?.facts.copied).toHaveLength(1);
  expect((await cloud.keys()).filter((key) => key.endsWith('/manifest.json'))).toHaveLength(2);
});

test('a place that denies deletion keeps what is old, which is no failure', async ({ site, configure }) => {
  const denying = await s3Server({ isLocked: true });
  const { remove, ...shell } = shellCopy(join(site.folder, 'shell'));
  expect(remove).toBeDefined();
  const keep = { last: 1, minVerified: 1 };
  configure();
  const copies = [copyIn(denying, { keep }), { ...shell, keep }];
  site.configure({ backups: { directory: join(site.folder, 'backups'), copies } });
  await site.database.query('CREATE TABLE users AS SELECT 1 AS id');
  expect(await run(site, 'backup')).toMatchObject({ exitCode: 0 });
  const [old = ''] = site.visible();
  const second = await run(site, 'backup');
  expect(second.exitCode).toBe(0);
  for (const name of ['cloud', 'shell'])
    expect(copying(second, name)).toMatchObject({ verdict: 'done', facts: { retained: [old] } });
  expect(await wholeIn(site, 'cloud')).toContain(old);
  expect(await wholeIn(site, 'shell')).toContain(old);
});

test('with this host’s own backups lost, a copy restores and is proven', async ({ site, configure }) => {
  configure();
  await site.database.query('CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 2000) g');
  expect(await run(site, 'backup')).toMatchObject({ exitCode: 0 });
  renameSync(join(site.folder, 'backups'), join(site.folder, 'lost'));
  const restored = `${site.database.name}_copy`;
  expect(await site.run('restore', 'latest', '--copy', 'shell', '--to-database', restored)).toMatchObject({
    exitCode: 0,
  });
  expect(await queryOnce(clusterUrl(restored), 'SELECT count(*)::int AS n FROM users')).toEqual([{ n: 2_000 }]);
  await queryOnce(clusterUrl('postgres'), `DROP DATABASE "${restored}" WITH (FORCE)`);
  const proof = await site.run('restore-test', '--copy', 'cloud');
  expect(proof).toMatchObject({ exitCode: 0 });
  expect(proof.stdout).toContain('cloud');
});
