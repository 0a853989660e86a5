import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { flat, runMaint, type MaintEnd } from '../support/maint.ts';
import { until } from '../support/process-table.ts';
import { test, type Site } from '../support/site.ts';

const SCHEMA = `
  CREATE TABLE users (id serial PRIMARY KEY, name text);
  INSERT INTO users (name) SELECT 'user ' || n FROM generate_series(1, 3000) AS n`;

const HOUR_MS = 3_600_000;

/** Takes a backup, and makes older ones of it, an hour apart; the ids, oldest first. */
async function take(site: Site, count = 1): Promise<readonly string[]> {
  expect(await site.run('backup')).toMatchObject({ exitCode: 0 });
  const [newest = ''] = site.visible();
  const older = Array.from({ length: count - 1 }, (_, index) => olderTwin(site, newest, (index + 1) * HOUR_MS));
  return [newest, ...older].toReversed();
}

/** The same backup as if it had been taken earlier: whole, with checksums that are right. */
function olderTwin(site: Site, id: string, byMs: number): string {
  const manifest = JSON.parse(readFileSync(join(site.backups, id, 'manifest.json'), 'utf8'));
  const takenAt = new Date(Date.parse(manifest.snapshot.takenAt) - byMs).toISOString();
  const twin = `${takenAt.slice(0, 19).replaceAll(/[-:]/g, '')}Z-aaaa`;
  const folder = join(site.backups, twin);
  cpSync(join(site.backups, id), folder, { recursive: true });
  writeManifest(folder, { ...manifest, id: twin, snapshot: { ...manifest.snapshot, takenAt } });
  return twin;
}

function writeManifest(folder: string, manifest: object): void {
  const text = JSON.stringify(manifest);
  writeFileSync(join(folder, 'manifest.json'), text);
  const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8');
  const sum = createHash('sha256').update(text).digest('hex');
  writeFileSync(join(folder, 'SHA256SUMS'), sums.replace(/^.*manifest\.json$/m, `${sum}  manifest.json`));
}

/** What `status` says about receipts that are not whole. */
async function remedyOf(site: Site): Promise<readonly string[]> {
  const end = await site.run('backups', 'status', '--json');
  const { findings } = json(end);
  const broken = Array.isArray(findings) ? findings.find(({ detail }) => detail === 'receipts.broken') : undefined;
  expect(broken).toBeDefined();
  return broken.remediation;
}

function json(end: MaintEnd): { readonly [key: string]: unknown } {
  return JSON.parse(end.stdout);
}

/** Flips the bits of one byte in the middle of the dump. */
function damage(site: Site, id: string): void {
  const path = join(site.backups, id, 'data.dump.zst');
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}

/** Writes into a manifest that half of a table is gone, as the run that took it would have. */
function flag(site: Site, id: string): void {
  const folder = join(site.backups, id);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  const message = 'public.users has 9 rows, 3,000 were usual (-99 %)';
  const anomaly = { detail: 'anomaly.rows', table: 'public.users', message, isSuspicious: true };
  writeManifest(folder, { ...manifest, anomalies: [anomaly] });
}

describe('maint backups list', () => {
  test('shows each backup, newest first, and says the same for a program', async ({ site }) => {
    await site.database.query(SCHEMA);
    const [older, newer] = await take(site, 2);
    const end = await site.run('backups', 'list');
    expect(end).toMatchObject({ exitCode: 0, stderr: '' });
    const lines = end.stdout.split('\n');
    expect(lines[1]).toMatch(new RegExp(`^${newer} .* 3,001 +decode, .* ago +local$`));
    expect(lines[2]).toContain(older);
    expect(lines[3]).toMatch(/^2 backups, .* in \//);
    expect(await site.run('backups', 'list')).toMatchObject({ exitCode: 0 });
  });

  test('counts folders that are no backups, and marks one that is not whole', async ({ site }) => {
    await site.database.query(SCHEMA);
    const [id = ''] = await take(site);
    renameSync(join(site.backups, id, 'SHA256SUMS'), join(site.folder, 'sums'));
    for (const name of ['.staging-20260101T000000Z-0000', 'notes']) {
      mkdirSync(join(site.backups, name));
    }
    const document = json(await site.run('backups', 'list', '--json'));
    expect(document).toMatchObject({
      hidden: 1,
      foreign: 1,
      backups: [{ id, marks: ['incomplete'], isVerified: false }],
    });
    expect(flat((await site.run('backups', 'list')).stdout)).toContain('1 folder there that maint did not make');
  });

  test('that there is no directory is another answer than that there is no backup', async ({ site }) => {
    expect(await site.run('backups', 'list')).toMatchObject({
      exitCode: 4,
      stdout: '',
      stderr: expect.stringContaining('does not exist'),
    });
    await site.database.query(SCHEMA);
    const [id = ''] = await take(site);
    rmSync(join(site.backups, id), { recursive: true });
    expect(await site.run('backups', 'list')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('there is no backup of app'),
    });
    expect(await site.run('backups', 'list', '--copy', 'nowhere')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('there is no copy nowhere'),
    });
  });
});

describe('maint backups show', () => {
  test('tells what a backup holds, what it does not, and what became of it', async ({ site }) => {
    await site.database.query(SCHEMA);
    const [id = ''] = await take(site);
    await site.run('verify-backup');
    const end = await site.run('backups', 'show', 'latest');
    expect(end).toMatchObject({ exitCode: 0, stderr: '' });
    expect(end.stdout).toMatch(new RegExp(`^${id}\\n`));
    expect(flat(end.stdout)).toMatch(/3,000 public\.users .*Not in it: .*verify pass \(local, on .*\), decode/);
    expect(json(await site.run('backups', 'show', id, '--json'))).toMatchObject({
      id,
      isVerified: true,
      manifest: { tables: { 'public.users': { rows: 3_000 } } },
      receipts: [{ kind: 'verify', number: 1 }],
    });
  });

  test('refuses an id that is not there, and names the newest; so do pin, unpin and ack', async ({ site }) => {
    await site.database.query(SCHEMA);
    const [id = ''] = await take(site);
    for (const word of ['show', 'pin', 'unpin', 'ack']) {
      const reason = word === 'pin' || word === 'ack' ? ['--reason', 'x'] : [];
      const end = await site.run('backups', word, '20200101T000000Z-0000', ...reason);
      expect(end, word).toMatchObject({ exitCode: 2, stdout: '' });
      expect(end.stderr).toContain('there is no backup 20200101T000000Z-0000');
      expect(end.stderr).toContain(`The newest is ${id}`);
    }
  });
});

describe('maint backups status', () => {
  test('is content with a fresh backup, and says how far it is from 3-2-1', async ({ site }) => {
    await site.database.query(SCHEMA);
    const [id = ''] = await take(site);
    const end = await site.run('backups', 'status');
    expect(end).toMatchObject({ exitCode: 0, stderr: '' });
    expect(flat(end.stdout)).toContain(
      '2 copies with the live database, 1 kind of media, 0 offsite, 0 immutable: not kept',
    );
    expect(json(await site.run('backups', 'status', '--json'))).toMatchObject({
      ok: true,
      newest: id,
      threeTwoOne: { copies: 2, media: 1, offsite: 0, immutable: 0 },
      receipts: { fault: null },
      findings: [],
    });
  });

  test('fails for a backup that a verification found bad, and is content again when it is gone', async ({ site }) => {
    await site.database.query(SCHEMA);
    const [older = '', newer = ''] = await take(site, 2);
    damage(site, newer);
    expect(await site.run('backups', 'status')).toMatchObject({ exitCode: 0 });
    expect(await site.run('verify-backup', '--all')).toMatchObject({ exitCode: 1 });
    const end = await site.run('backups', 'status');
    expect(end.exitCode).toBe(1);
    expect(flat(end.stdout)).toMatch(new RegExp(`${newer} in local was found bad on .*\\(backup\\.bad\\)`));
    expect(json(await site.run('backups', 'status', '--json'))).toMatchObject({ ok: false, newest: older });
    rmSync(join(site.backups, newer), { recursive: true });
    expect(await site.run('backups', 'status')).toMatchObject({ exitCode: 0 });
  });

  test('fails for each rule that is broken, with what mends it', async ({ site }) => {
    await site.database.query(SCHEMA);
    await take(site);
    const directory = join(site.folder, 'backups');
    const rules = {
      maxAge: '1 ms',
      maxVerifyAge: '7 days',
      maxRestoreTestAge: '31 days',
      copies: 3,
      media: 2,
      offsite: 1,
      immutable: 1,
    };
    site.configure({ backups: { directory, rules } });
    const end = await site.run('backups', 'status', '--json');
    expect(end.exitCode).toBe(1);
    const { findings } = json(end);
    const details = Array.isArray(findings) ? findings.map(({ detail }) => String(detail)) : [];
    expect(details).toEqual([
      'backup.stale',
      'verify.stale',
      'restore-test.stale',
      'rule.copies',
      'rule.media',
      'rule.offsite',
      'rule.immutable',
    ]);
    for (const each of Array.isArray(findings) ? findings : []) expect(each.remediation.length).toBeGreaterThan(0);
    await site.run('verify-backup');
    site.configure({ backups: { directory, rules: { maxAge: '1 day', maxVerifyAge: '7 days', copies: 2, media: 1 } } });
    expect(await site.run('backups', 'status')).toMatchObject({ exitCode: 0 });
  });

  test('fails where a receipt was changed, and nothing expires until that is settled', async ({ site }) => {
    await site.database.query(SCHEMA);
    await take(site, 4);
    await site.run('verify-backup', '--all');
    const receipt = join(site.folder, 'backups/receipts/app/000002.json');
    writeFileSync(receipt, readFileSync(receipt, 'utf8').replace('"pass"', '"fail"'));
    expect(await site.run('backups', 'status')).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('receipts.broken'),
    });
    expect((await site.run('backups', 'list')).stdout).toContain('the receipts are not whole');
    const end = await site.run('backups', 'prune', '--json');
    expect(json(end)).toMatchObject({ removed: [], frozen: { detail: 'expiry.receipts_broken' } });
  });

  test.for([
    ['one was changed', (receipts: string) => writeFileSync(join(receipts, 'app/000002.json'), '{}'), 4],
    ['the last ones are gone', (receipts: string) => rmSync(join(receipts, 'app/000003.json')), 3],
    ['all are gone, and what remembered them', (receipts: string) => rmSync(receipts, { recursive: true }), 0],
  ] as const)(
    'says how receipts of which %s are moved aside, and nothing is frozen after that',
    async ([, harm, kept], { site }) => {
      await site.database.query(SCHEMA);
      // A place whose name a shell would take apart.
      const directory = join(site.folder, "it's the backups");
      site.configure({ backups: { directory } });
      expect(await site.run('backup')).toMatchObject({ exitCode: 0 });
      for (const _ of [1, 2, 3]) await site.run('verify-backup');
      expect(await site.run('backup')).toMatchObject({ exitCode: 0 });
      harm(join(directory, 'receipts'));
      const remedy = await remedyOf(site);
      for (const line of remedy.filter((each) => each.startsWith('mv ')))
        execFileSync('sh', ['-euc', line], { stdio: 'pipe' });
      for (const word of ['verify-backup', 'backup', 'verify-backup']) {
        expect(await site.run(word)).toMatchObject({ exitCode: 0 });
        expect(json(await site.run('backups', 'status', '--json')), word).toMatchObject({ receipts: { fault: null } });
      }
      expect(json(await site.run('backups', 'prune', '--json'))).toMatchObject({ frozen: null });
      const evidence = globSync('app.broken-*/{app/*,app.head.json}', { cwd: join(directory, 'receipts') });
      expect(evidence).toHaveLength(kept);
    },
  );

  test('judges a copy on a host that has neither the database nor the receipts', async ({ site }) => {
    await site.database.query(SCHEMA);
    const [id = ''] = await take(site);
    const configFile = join(site.folder, 'other.yaml');
    const copy = { name: 'offsite', type: 'directory', directory: join(site.folder, 'backups'), offsite: true };
    const backups = { directory: join(site.folder, 'nothing-here'), copies: [copy], rules: { maxAge: '1 day' } };
    writeFileSync(configFile, JSON.stringify({ name: 'app', backups, state: join(site.folder, 'other-state') }));
    const request = (...args: readonly string[]): Promise<MaintEnd> =>
      runMaint({ args: [...args, '--config', configFile], cwd: site.folder });
    expect(await request('backups', 'status')).toMatchObject({ exitCode: 4 });
    const end = await request('backups', 'status', '--copy', 'offsite', '--json');
    expect(end).toMatchObject({ exitCode: 0, stderr: '' });
    expect(json(end)).toMatchObject({ copy: 'offsite', newest: id, ok: true });
    rmSync(join(site.backups, id), { recursive: true });
    expect(await request('backups', 'status', '--copy', 'offsite')).toMatchObject({ exitCode: 1 });
  });
});

describe('maint backups prune', () => {
  test('removes what a backup would have removed, says why the others stay, and finds nothing the second time', async ({
    site,
  }) => {
    await site.database.query(SCHEMA);
    const ids = await take(site, 5);
    const dry = await site.run('backups', 'prune', '--dry-run');
    expect(dry).toMatchObject({ exitCode: 0, stderr: '' });
    expect(dry.stdout).toContain(`delete  ${ids[0] ?? ''}  every place is taken by a newer backup`);
    expect(dry.stdout).toMatch(/would remove 2 of 5 backups/);
    expect(site.visible()).toHaveLength(5);
    expect(await site.run('backups', 'prune')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('removed 2 of 5'),
    });
    expect(site.visible()).toEqual(ids.slice(2).toSorted());
    expect(json(await site.run('backups', 'prune', '--json'))).toMatchObject({ removed: [] });
  });

  test('a backup that was found bad neither goes nor takes a place from a good one', async ({ site }) => {
    await site.database.query(SCHEMA);
    const ids = await take(site, 5);
    damage(site, ids[4] ?? '');
    await site.run('verify-backup', '--all');
    await site.run('backups', 'prune');
    expect(site.visible()).toEqual(ids.slice(1).toSorted());
  });

  test('without `keep` nothing goes', async ({ site }) => {
    await site.database.query(SCHEMA);
    await take(site, 2);
    site.configure({ tasks: {} });
    expect(await site.run('backups', 'prune')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('no `keep` is set'),
    });
    expect(site.visible()).toHaveLength(2);
  });
});

describe('a word about a backup', () => {
  test('a pinned backup stays, with who and why, until it is unpinned', async ({ site }) => {
    await site.database.query(SCHEMA);
    const ids = await take(site, 4);
    const [oldest = ''] = ids;
    expect(await site.run('backups', 'pin', oldest)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('needs --reason'),
    });
    const pinned = await site.run('backups', 'pin', oldest, '--reason', 'before the move');
    expect(pinned).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: `${oldest} is pinned: it stays until it is unpinned\n`,
    });
    expect((await site.run('backups', 'pin', oldest, '--reason', 'again')).stdout).toMatch(
      /is pinned already, by .*@.*: before the move/,
    );
    expect(readdirSync(join(site.folder, 'backups/receipts/app'))).toEqual(['000001.json']);
    expect(json(await site.run('backups', 'list', '--json'))).toMatchObject({
      backups: [{}, {}, {}, { id: oldest, marks: ['pinned'], pin: { reason: 'before the move' } }],
    });
    await site.run('backups', 'prune');
    expect(site.visible()).toContain(oldest);
    expect(await site.run('backups', 'unpin', oldest)).toMatchObject({ exitCode: 0 });
    expect(await site.run('backups', 'unpin', oldest)).toMatchObject({
      exitCode: 0,
      stdout: `${oldest} is not pinned\n`,
    });
    await site.run('backups', 'prune');
    expect(site.visible()).not.toContain(oldest);
  });

  test('nothing expires while a backup is suspicious, not in the next backup either, until it is acknowledged', async ({
    site,
  }) => {
    await site.database.query(SCHEMA);
    const ids = await take(site, 4);
    const newest = ids.at(-1) ?? '';
    flag(site, newest);
    const backup = await site.run('backup');
    expect(flat(backup.stdout)).toContain(`${newest} is suspicious, and nobody has acknowledged it`);
    expect(backup.exitCode).toBe(0);
    expect(site.visible()).toHaveLength(5);
    const status = await site.run('backups', 'status');
    expect(status).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('backup.suspicious') });
    const ack = await site.run('backups', 'ack', newest, '--reason', 'we archived', '--json');
    expect(json(ack)).toMatchObject({ id: newest, receipt: expect.stringContaining('.json') });
    await site.run('backups', 'prune');
    expect(site.visible()).toHaveLength(3);
    expect(await site.run('backups', 'ack', newest, '--reason', 'once more')).toMatchObject({
      stdout: expect.stringContaining('is acknowledged already'),
    });
  });

  test('is written beside a backup that is at work, and expiry by hand is not', async ({ site }) => {
    await site.database.query(SCHEMA);
    const [id = ''] = await take(site);
    site.shadow('zstd', 'case "$*" in *-d*) ;; *) sleep 60 ;; esac\nexec /usr/bin/zstd "$@"');
    const running = site.start('backup');
    await until('a backup is at work', () => site.hidden().length > 0);
    expect(await site.run('backups', 'prune')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('another run holds the lock'),
    });
    expect(await site.run('backups', 'pin', id, '--reason', 'x')).toMatchObject({ exitCode: 0 });
    expect(json(await site.run('backups', 'list', '--json'))).toMatchObject({ backups: [{ id, marks: ['pinned'] }] });
    running.child.kill('SIGTERM');
    await running.ended;
  });
});
