import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { flat } from '../support/maint.ts';
import { test, type Site } from '../support/site.ts';
import { editManifest, mendSums } from '../support/tampering.ts';

const TIME = new Date('2026-01-02T03:04:05Z');

/** What uploads look like, with what makes trouble. */
function fillUploads(site: Site): string {
  const uploads = join(site.folder, 'uploads');
  mkdirSync(join(uploads, 'deep', 'er'), { recursive: true });
  mkdirSync(join(uploads, 'empty'));
  writeFileSync(join(uploads, 'a.txt'), 'first', { mode: 0o640 });
  writeFileSync(join(uploads, 'deep', 'er', 'large.bin'), Buffer.alloc(3 * 2 ** 20, 'large '));
  writeFileSync(join(uploads, 'two\nlines \\ and "quotes"'), 'odd');
  writeFileSync(join(uploads, 'deep', `${'x'.repeat(120)}.txt`), 'long');
  symlinkSync('/etc/passwd', join(uploads, 'link'));
  symlinkSync('../../outside', join(uploads, 'deep', 'up'));
  utimesSync(join(uploads, 'a.txt'), TIME, TIME);
  utimesSync(join(uploads, 'empty'), TIME, TIME);
  chmodSync(join(uploads, 'empty'), 0o751);
  return uploads;
}

function isSame(a: string, b: string): void {
  execFileSync('diff', ['--recursive', '--no-dereference', a, b]);
}

function everythingIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
}

async function backedUp(site: Site, more: object = {}): Promise<string> {
  const uploads = fillUploads(site);
  site.configure({
    backups: { directory: join(site.folder, 'backups'), files: [{ name: 'uploads', directory: uploads }], ...more },
  });
  const { exitCode, stderr } = await site.run('backup');
  expect(exitCode, stderr).toBe(0);
  return uploads;
}

test('files of the application come back beside the old ones, checked, with rights, times and links', async ({
  site,
}) => {
  const uploads = await backedUp(site);
  const looked = await site.run('restore', '--files', 'uploads', '--dry-run');
  expect(looked).toMatchObject({ exitCode: 0 });
  expect(flat(looked.stdout)).toMatch(
    /would restore 4 files .* of uploads from .* into .*uploads_restored_\S+, which is made/,
  );
  expect(readdirSync(site.folder).some((name) => name.includes('restored'))).toBe(false);

  const { exitCode, stdout } = await site.run('restore', 'latest', '--files', 'uploads', '--json');
  expect(exitCode).toBe(0);
  const report: unknown = JSON.parse(stdout);
  expect(report).toMatchObject({ verdict: 'done', count: 4, findings: [], files: 'uploads' });
  const restored = join(site.folder, readdirSync(site.folder).find((name) => name.includes('restored')) ?? '');
  expect(report).toMatchObject({ directory: restored });
  isSame(uploads, restored);
  expect(statSync(join(restored, 'a.txt'))).toMatchObject({ mtime: TIME, mode: statSync(join(uploads, 'a.txt')).mode });
  expect(statSync(join(restored, 'empty'))).toMatchObject({ mtime: TIME, mode: 0o40751 });
  expect(readlinkSync(join(restored, 'link'))).toBe('/etc/passwd');
  expect(statSync(restored).mode & 0o777).toBe(0o700);
  expect(readdirSync(site.folder).filter((name) => name.startsWith('.maint'))).toEqual([]);
  expect((await site.run('history')).stdout).toContain('restore');
});

test('nothing is written over unless that is asked for, and then what is not in the backup stays', async ({ site }) => {
  const uploads = await backedUp(site);
  writeFileSync(join(uploads, 'a.txt'), 'changed since');
  writeFileSync(join(uploads, 'new.txt'), 'came later');
  rmSync(join(uploads, 'deep'), { recursive: true });
  const into = ['restore', '--files', 'uploads', '--to-directory', uploads] as const;
  const refused = await site.run(...into);
  expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
  expect(flat(refused.stderr)).toContain('is not empty');
  expect(readFileSync(join(uploads, 'a.txt'), 'utf8')).toBe('changed since');

  // A link that stands where the backup has a folder would lead out of it.
  const outside = mkdtempSync(join(site.folder, 'outside-'));
  symlinkSync(outside, join(uploads, 'deep'));
  const inTheWay = await site.run(...into, '--overwrite');
  expect(inTheWay.exitCode).toBe(4);
  expect(flat(inTheWay.stderr)).toContain('in the way: deep');
  expect(everythingIn(outside)).toEqual([]);
  expect(readFileSync(join(uploads, 'a.txt'), 'utf8')).toBe('changed since');

  rmSync(join(uploads, 'deep'));
  expect(await site.run(...into, '--overwrite')).toMatchObject({ exitCode: 0 });
  expect(readFileSync(join(uploads, 'a.txt'), 'utf8')).toBe('first');
  expect(readFileSync(join(uploads, 'new.txt'), 'utf8')).toBe('came later');
  expect(statSync(join(uploads, 'deep', 'er', 'large.bin')).size).toBe(3 * 2 ** 20);
  expect(lstatSync(join(uploads, 'deep', 'up')).isSymbolicLink()).toBe(true);
  expect(readdirSync(uploads).filter((name) => name.startsWith('.maint'))).toEqual([]);
});

test('a file that is not what was backed up keeps all of them out, also where all else was mended', async ({
  site,
}) => {
  const uploads = await backedUp(site);
  writeFileSync(join(uploads, 'a.txt'), 'FIRST');
  expect(await site.run('backup')).toMatchObject({ exitCode: 0 });
  const [first = '', second = ''] = site.visible().toSorted(byMark(site));
  const [folder, other] = [join(site.backups, first), join(site.backups, second)];
  // The archive of one in the place of the other; manifest and checksums say that it is right, the list does not.
  copyFileSync(join(other, TAR), join(folder, TAR));
  const stated = new RegExp(`"path": "${TAR.replaceAll('.', String.raw`\.`)}",\\s+"bytes": \\d+,\\s+"sha256": "\\w+"`);
  const [words = ''] = stated.exec(readFileSync(join(other, 'manifest.json'), 'utf8')) ?? [];
  await editManifest(folder, (text) => text.replace(stated, words));
  await mendSums(folder);
  const into = join(site.folder, 'back');
  const files = ['restore', first, '--files', 'uploads', '--to-directory', into] as const;
  const { exitCode, stdout } = await site.run(...files, '--json');
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 1 });
  expect(JSON.parse(stdout)).toMatchObject({
    verdict: 'fail',
    findings: [{ detail: 'restore.file_mismatch', message: 'a.txt is not what was backed up' }],
  });
  expect(existsSync(into)).toBe(false);
  expect(readdirSync(site.folder).filter((name) => name.startsWith('.maint'))).toEqual([]);

  const kept = await site.run(...files, '--keep');
  expect(flat(kept.stdout)).toMatch(/kept for a look in .*\.maint-restore-back-/);
  // Without mending, the stored bytes alone tell.
  flip(join(folder, TAR));
  expect((await site.run(...files)).stdout).toMatch(/verify\.checksum_mismatch|restore\.files_broken/);
});

const TAR = 'files-uploads.tar.zst';

/** Which of two backups holds the older archive: ids of one second do not tell. */
function byMark(site: Site): (a: string, b: string) => number {
  const takenAt = (id: string): string =>
    /"takenAt": "([^"]+)"/.exec(readFileSync(join(site.backups, id, 'manifest.json'), 'utf8'))?.[1] ?? '';
  return (a, b) => takenAt(a).localeCompare(takenAt(b));
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

test('encrypted files need a key, and what was typed wrong is said before anything is touched', async ({ site }) => {
  const { recipient, identity } = await makeKeyPair();
  const uploads = await backedUp(site, { encryption: { recipients: [recipient] } });
  const into = join(site.folder, 'back');
  const files = ['restore', '--files', 'uploads', '--to-directory', into] as const;
  expect(await site.run(...files)).toMatchObject({ exitCode: 4 });
  expect(existsSync(into)).toBe(false);
  const key = join(site.folder, 'key');
  writeFileSync(key, identity.reveal(), { mode: 0o600 });
  expect(await site.run(...files, '--identity', key)).toMatchObject({ exitCode: 0 });
  isSame(uploads, into);
  for (const [args, said] of [
    [['--files', 'nothing'], /holds no files called nothing.*It holds uploads/],
    [['--files', 'uploads', '--table', 'users'], /--files does not go with --table/],
    [['--to-directory', '/tmp/x'], /--to-directory needs --files/],
    [['--overwrite'], /--overwrite needs --files/],
    [['--files', 'uploads', '--to-directory', '/nowhere/at/all'], /\/nowhere\/at does not exist/],
  ] as const) {
    const end = await site.run('restore', ...args);
    expect(end.exitCode, args.join(' ')).toBeGreaterThanOrEqual(2);
    expect(flat(end.stderr)).toMatch(said);
  }
});

test('what a killed restore leaves behind looks like nothing finished, and the next one takes it away', async ({
  site,
}) => {
  const uploads = await backedUp(site);
  // Once the files are unpacked and proven, they are flushed: there it is killed.
  site.shadow('sync', 'kill -9 $PPID; sleep 5');
  const into = join(site.folder, 'back');
  const files = ['restore', '--files', 'uploads', '--to-directory', into] as const;
  expect((await site.run(...files)).exitCode).not.toBe(0);
  expect(existsSync(into)).toBe(false);
  expect(readdirSync(site.folder).filter((name) => name.startsWith('.maint-restore-back-'))).toHaveLength(1);
  rmSync(join(site.folder, 'bin', 'sync'));
  expect(await site.run(...files)).toMatchObject({ exitCode: 0 });
  isSame(uploads, into);
  expect(readdirSync(site.folder).filter((name) => name.startsWith('.maint'))).toEqual([]);
});
