import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/backups/manifest.ts';
import { localeFor } from '../../src/backups/restore-locale.ts';
import { judgeRoom } from '../../src/backups/restore-room.ts';
import { settingLines } from '../../src/backups/restore-settings.ts';

const SERVER = { version: '15.1', major: 15, encoding: 'UTF8', isStandby: false };
const GB = 2 ** 30;

describe('the room for a restore', () => {
  const artifacts = [{ path: 'data.dump.zst', bytes: GB, sha256: '', codec: ['pg_dump-custom', 'zstd'] }];
  const judge = (freeBytes: number, server: Manifest['server'] = SERVER) =>
    judgeRoom({ directory: '/data', freeBytes }, { artifacts, server });

  test('is in the way where not even the compressed dump would fit', () => {
    expect(judge(GB - 1).obstacles).toMatchObject([{ code: 'FILE_UNUSABLE', detail: 'restore.no_space' }]);
    expect(judge(GB).obstacles).toEqual([]);
  });

  test('is worth a line where the old database, with a little to spare, would not fit', () => {
    const server = { ...SERVER, sizeBytes: 10 * GB };
    expect(judge(11 * GB, server)).toMatchObject({ obstacles: [], notices: [expect.stringContaining('10 GB')] });
    expect(judge(12 * GB, server).notices).toEqual([]);
    expect(judge(11 * GB).notices).toEqual([]);
  });
});

describe('the locale of a restored database', () => {
  const server = { ...SERVER, collate: 'de_DE.utf8', ctype: 'de_DE.utf8', localeProvider: 'libc' };
  const decide = (databases: Parameters<typeof localeFor>[1], locales: readonly string[], of = server) =>
    localeFor(
      { database: 'app', server: of },
      databases,
      locales.map((name) => ({ name })),
    );

  test('is that of the database whose place it may take', () => {
    const same = { name: 'app', collate: 'C', ctype: 'C' };
    expect(decide([same], ['de_DE.utf8'])).toEqual({ locale: { collate: 'C', ctype: 'C' }, notices: [] });
  });

  test('is that of the backup where the server knows it, and said to be another where it does not', () => {
    expect(decide([], ['de_DE.utf8'])).toEqual({ locale: { collate: 'de_DE.utf8', ctype: 'de_DE.utf8' }, notices: [] });
    expect(decide([], [])).toEqual({ locale: undefined, notices: [expect.stringContaining('de_DE.utf8')] });
  });

  test('is said to sort otherwise where ICU sorted', () => {
    const icu = { ...server, collate: 'C', ctype: 'C', localeProvider: 'icu' };
    expect(decide([], [], icu).notices).toEqual([expect.stringContaining('icu')]);
  });
});

describe('the settings of a database', () => {
  const lines = (settings: NonNullable<Manifest['settings']>) => settingLines({ settings }, 'new "db"');

  test('become statements that name the new database', () => {
    expect(lines([{ role: null, name: 'work_mem', value: "5'MB" }])).toEqual([
      `ALTER DATABASE "new ""db""" SET "work_mem" TO '5''MB';`,
    ]);
    expect(lines([{ role: 'Bob', name: 'app.mode', value: 'a\\b' }])).toEqual([
      `ALTER ROLE "Bob" IN DATABASE "new ""db""" SET "app"."mode" TO E'a\\\\b';`,
    ]);
  });

  test('that are lists keep their names apart', () => {
    expect(lines([{ role: null, name: 'search_path', value: '"$user", app, "odd, ""x"""' }])).toEqual([
      `ALTER DATABASE "new ""db""" SET "search_path" TO '$user', 'app', 'odd, "x"';`,
    ]);
    expect(lines([{ role: null, name: 'search_path', value: '""' }])[0]).toMatch(/TO '';$/);
  });

  test('that may be secrets are no statement', () => {
    expect(lines([{ role: null, name: 'app.key', value: null }])[0]).toMatch(/^-- /);
  });
});
