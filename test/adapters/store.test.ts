import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { whichProgram } from '../../src/adapters/programs.ts';
import type { Store } from '../../src/adapters/store.ts';
import {
  bytesIn,
  emptyFolder,
  failureOf,
  forever,
  KINDS,
  openStore,
  putBytes,
  shellCopy,
  uploadOf,
} from '../support/stores.ts';
import type { Copy } from '../support/stores.ts';

const PUT_ONCE = fileURLToPath(new URL('../support/put-once.ts', import.meta.url));
/** Three parts, the last one short. */
const LARGE_BYTES = 11 * 2 ** 20 + 17;

const ODD_NAMES = ['two words', 'größe', 'a+b', '100%', '%2F', 'a&b<c>"d"', '~(x)!*', '$HOME `id` ;', '-n', '日本語'];

const hasRclone = (await whichProgram('rclone', process.env['PATH'])) !== undefined;

async function rcloneCopy(): Promise<Copy> {
  const root = await emptyFolder();
  const separated = ['--files-only', '--format', 'sp', '--separator', '\t'];
  return {
    type: 'command',
    name: 'rclone',
    medium: 'disk',
    put: ['rclone', 'copyto', '{file}', `${root}/{path}`],
    get: ['rclone', 'cat', `${root}/{path}`],
    list: ['rclone', 'lsf', '--recursive', ...separated, `${root}/{folder}`],
    remove: ['rclone', 'delete', `${root}/{path}`],
    move: ['rclone', 'moveto', `${root}/{from}`, `${root}/{to}`],
    notFound: [3],
    env: { RCLONE_CONFIG: '/nonexistent', RCLONE_RETRIES: '1' },
  };
}

const kinds: readonly (readonly [string, () => Promise<Copy>])[] = [
  ...Object.entries(KINDS),
  ...(hasRclone ? [['rclone', rcloneCopy] as const] : []),
];

async function namesIn(store: Store, path: string): Promise<readonly string[] | undefined> {
  return (await store.list(path, forever))?.files.map(({ name }) => name);
}

describe.each(kinds)('a store of the kind %s', (_, make) => {
  test('gives back what was put there, and lists it with its size', async () => {
    const store = await openStore(await make());
    await putBytes(store, 'app/one/data', 'hello');
    expect((await bytesIn(store, 'app/one/data')).toString()).toBe('hello');
    expect(await store.list('app/one', forever)).toEqual({ files: [{ name: 'data', sizeBytes: 5 }], folders: [] });
  });

  test('lists only what lies right below a folder, sorted by name', async () => {
    const store = await openStore(await make());
    for (const path of ['app/c', 'app/a', 'app/b/deep/x', 'app/d/x', 'app/d/y', 'apple', 'app/Z'])
      await putBytes(store, path, 'x');
    const of = (name: string) => ({ name, sizeBytes: 1 });
    expect(await store.list('app', forever)).toEqual({ files: [of('Z'), of('a'), of('c')], folders: ['b', 'd'] });
    expect(await store.list('', forever)).toEqual({ files: [of('apple')], folders: ['app'] });
  });

  test('puts the new file in the place of the old one', async () => {
    const store = await openStore(await make());
    await putBytes(store, 'a', 'old and longer');
    await putBytes(store, 'a', 'new');
    expect((await bytesIn(store, 'a')).toString()).toBe('new');
    expect(await store.list('', forever)).toEqual({ files: [{ name: 'a', sizeBytes: 3 }], folders: [] });
  });

  test('removes a file, and only that one; one that is not there is fine', async () => {
    const store = await openStore(await make());
    await putBytes(store, 'app/a', 'x');
    await putBytes(store, 'app/ab', 'x');
    expect(await store.remove('app/a', forever)).toBe('removed');
    expect(await namesIn(store, 'app')).toEqual(['ab']);
    expect(await store.remove('app/a', forever)).toBe('removed');
  });

  test('says that there is no such folder, and no such file', async () => {
    const store = await openStore(await make());
    await putBytes(store, 'app/a', 'x');
    expect(await store.list('ap', forever)).toBeUndefined();
    expect(await store.list('nowhere', forever)).toBeUndefined();
    const missing = await failureOf(bytesIn(store, 'app/nothing'));
    expect(missing).toMatchObject({ code: 'FILE_UNUSABLE', message: expect.stringContaining('app/nothing') });
  });

  test('takes names as they are', async () => {
    const store = await openStore(await make());
    for (const name of ODD_NAMES) await putBytes(store, `${name}/${name}`, name);
    expect((await store.list('', forever))?.folders).toEqual(ODD_NAMES.toSorted());
    for (const name of ODD_NAMES) {
      expect(await namesIn(store, name)).toEqual([name]);
      expect((await bytesIn(store, `${name}/${name}`)).toString()).toBe(name);
    }
  });

  test('keeps every byte of a file of several parts, and counts them on the way', async () => {
    const store = await openStore(await make());
    const bytes = randomBytes(LARGE_BYTES);
    const told: number[] = [];
    await store.put('big', await uploadOf(bytes, { onBytes: (sent) => void told.push(sent) }), forever);
    expect((await bytesIn(store, 'big')).equals(bytes)).toBe(true);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).toBe(LARGE_BYTES);
  });

  test('keeps an empty file', async () => {
    const store = await openStore(await make());
    await putBytes(store, 'app/none', '');
    expect(await store.list('app', forever)).toEqual({ files: [{ name: 'none', sizeBytes: 0 }], folders: [] });
    expect(await bytesIn(store, 'app/none')).toHaveLength(0);
  });

  test('refuses a file of this host that became shorter, and shows nothing of it', async () => {
    const store = await openStore(await make());
    await putBytes(store, 'app/other', 'x');
    const upload = await uploadOf(randomBytes(LARGE_BYTES));
    await truncate(upload.file, 2 ** 20);
    expect((await failureOf(store.put('app/big', upload, forever))).code).toBe('FILE_UNUSABLE');
    expect(await namesIn(store, 'app')).toEqual(['other']);
  });

  test('refuses a file of this host whose bytes are not those that it was written with', async () => {
    const store = await openStore(await make());
    await putBytes(store, 'app/other', 'x');
    const upload = await uploadOf('as it was');
    await writeFile(upload.file, 'as it is.');
    const failure = await failureOf(store.put('app/a', upload, forever));
    expect(failure).toMatchObject({ code: 'FILE_UNUSABLE', message: expect.stringContaining(upload.file) });
    expect(await namesIn(store, 'app')).toEqual(['other']);
  });

  test('says which file of this host is missing', async () => {
    const store = await openStore(await make());
    const upload = await uploadOf('x');
    await rm(upload.file);
    const failure = await failureOf(store.put('app/a', upload, forever));
    expect(failure).toMatchObject({ code: 'FILE_UNUSABLE', message: expect.stringContaining(upload.file) });
  });

  test('does nothing once the signal has come', async () => {
    const store = await openStore(await make());
    await putBytes(store, 'a', 'x');
    const upload = await uploadOf('y');
    const stopped = AbortSignal.abort(new Error('enough'));
    await expect(store.put('b', upload, stopped)).rejects.toThrow('enough');
    await expect(store.list('', stopped)).rejects.toThrow('enough');
    await expect(store.read('a', stopped)[Symbol.asyncIterator]().next()).rejects.toThrow('enough');
    expect(await namesIn(store, '')).toEqual(['a']);
  });

  test('stops reading at the signal', async () => {
    const store = await openStore(await make());
    await putBytes(store, 'big', randomBytes(LARGE_BYTES));
    const stop = new AbortController();
    const read = async (): Promise<void> => {
      for await (const piece of store.read('big', stop.signal)) if (piece.length > 0) stop.abort(new Error('enough'));
    };
    await expect(read()).rejects.toThrow('enough');
  });
});

test('a folder whose files the system lets nobody remove keeps them, which is no error', async () => {
  const store = await openStore({ type: 'directory', name: 'shelf', directory: '/proc' });
  expect(await store.remove('version', forever)).toBe('retained');
  expect((await bytesIn(store, 'version')).toString()).toMatch(/\S/);
});

/** What `put` becomes so that it dies in the middle together with whoever started it. */
const halfWay = ['/bin/sh', '-c', 'head -c 1000 "$1" > "$2"; kill -9 $PPID; sleep 1', 'sh', '{file}'];

test.each([
  ['directory', KINDS.directory],
  ['s3', KINDS.s3],
  [
    'command',
    async () => {
      const root = await emptyFolder();
      return shellCopy(root, { put: [...halfWay, `${root}/{path}`] });
    },
  ],
] as const)('a kill in the middle leaves nothing that looks like a file: %s', async (_, make) => {
  const copy = await make();
  const upload = await uploadOf(randomBytes(LARGE_BYTES));
  const ended = await execa(process.execPath, [PUT_ONCE, JSON.stringify(copy), 'big', upload.file], { reject: false });
  expect(ended.signal, ended.stderr).toBe('SIGKILL');
  const store = await openStore(copy);
  expect(await store.list('', forever)).toEqual({ files: [], folders: [] });
  expect((await failureOf(bytesIn(store, 'big'))).code).toBe('FILE_UNUSABLE');
});
