import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { descendants, isAlive, processNamed, until } from '../support/processes.ts';
import type { Copy } from '../support/stores.ts';
import {
  bytesIn,
  emptyFolder,
  everythingOf,
  failureOf,
  forever,
  openStore,
  putBytes,
  shellCopy,
  uploadOf,
} from '../support/stores.ts';

const sh = (script: string, ...args: readonly string[]): readonly string[] => ['/bin/sh', '-c', script, 'sh', ...args];

/** A store whose listing of any folder is this text. */
const listing = (text: string, more: Copy = {}) =>
  openStore(shellCopy('/nonexistent', { list: sh('printf %s "$1"', text, '{folder}'), ...more }));

const shown = (names: Readonly<Record<string, number>>, folders: readonly string[] = []) => ({
  files: Object.entries(names).map(([name, sizeBytes]) => ({ name, sizeBytes })),
  folders,
});

describe('a listing', () => {
  test.each([
    ['of one folder, as rclone prints it', '-1\tsub/\n12\ta file\n7\tb\n', shown({ 'a file': 12, b: 7 }, ['sub'])],
    ['of everything below, as find prints it', '1\tx/y/z\n2\tx/w\n3\ta\n', shown({ a: 3 }, ['x'])],
    ['with folders that have no size', 'sub/\n3\ta\n', shown({ a: 3 }, ['sub'])],
    ['with a dot before each path', '0\t./a\n4\t./x/b\n', shown({ a: 0 }, ['x'])],
    ['with tabs in a name', '1\ta\tb\n', shown({ 'a\tb': 1 })],
    ['with line ends of Windows', '1\ta\r\n2\tb\r\n', shown({ a: 1, b: 2 })],
    ['with files that are still on their way', '1\ta.partial\n2\tb\n', shown({ b: 2 })],
  ])('is read: %s', async (_, text, expected) => {
    expect(await (await listing(text)).list('app', forever)).toEqual(expected);
  });

  test('has its prefix taken off, and the root has none', async () => {
    const list = sh(`printf '1\\tbackups/%sa\\n' "$1"`, '{prefix}', '{folder}');
    const store = await openStore(shellCopy('/nonexistent', { list, listPrefix: 'backups/{prefix}' }));
    expect(await store.list('', forever)).toEqual(shown({ a: 1 }));
    expect(await store.list('app/one', forever)).toEqual(shown({ a: 1 }));
  });

  test.each([
    ['a name without a size', 'a\n'],
    ['a size that is unknown', '-1\ta\n'],
    ['other words', 'total 12\n'],
    ['a way out', '1\t../a\n'],
    ['a way out further down', '1\t..\n'],
    ['an absolute path', '1\t/etc/passwd\n'],
    ['another folder', '1\telsewhere/a\n', 'app/'],
  ])('with %s is refused, for what is not understood may be a backup', async (_, text, listPrefix = '') => {
    const store = await listing(`1\tapp/fine\n${text}`, { listPrefix });
    expect(await failureOf(store.list('app', forever))).toMatchObject({
      code: 'STORE_REFUSED',
      message: expect.stringContaining(JSON.stringify(text.trim())),
    });
  });

  test('of nothing is no folder, but the root is always there', async () => {
    const store = await listing('');
    expect(await store.list('app', forever)).toBeUndefined();
    expect(await store.list('', forever)).toEqual(shown({}));
  });
});

describe('a command that fails', () => {
  test.each([
    ['by its exit code that nothing is there', 'exit 44', 'FILE_UNUSABLE'],
    [
      'by saying that it was turned away',
      'echo "ana@host: Permission denied (publickey)." >&2; exit 255',
      'STORE_REFUSED',
    ],
    ['by saying so as services do', 'echo "AccessDenied: status code: 403" >&2; exit 1', 'STORE_REFUSED'],
    ['without a word', 'exit 255', 'STORE_UNREACHABLE'],
    ['by a signal', 'kill -9 $$', 'STORE_UNREACHABLE'],
    ['after it has given something', 'echo half; exit 1', 'STORE_UNREACHABLE'],
  ])('ends a read: %s', async (_, script, code) => {
    const store = await listing('1\ta\n', { get: sh(script, '{path}') });
    expect(await failureOf(bytesIn(store, 'app/a'))).toMatchObject({
      code,
      message: expect.stringContaining('shell:app/a'),
    });
  });

  test('does not turn a folder that cannot be listed into one that is not there', async () => {
    const store = await openStore(shellCopy('/nonexistent', { list: sh('exit 1', '{folder}') }));
    expect((await failureOf(store.list('app', forever))).code).toBe('STORE_UNREACHABLE');
  });

  test('prints nothing for a missing file and calls it success: still there is no such file', async () => {
    const root = await emptyFolder();
    const store = await openStore(shellCopy(root, { get: sh('cat "$1" 2>/dev/null || true', `${root}/{path}`) }));
    await putBytes(store, 'app/empty', '');
    expect(await bytesIn(store, 'app/empty')).toHaveLength(0);
    expect((await failureOf(bytesIn(store, 'app/a'))).code).toBe('FILE_UNUSABLE');
    expect((await failureOf(bytesIn(store, 'a'))).code).toBe('FILE_UNUSABLE');
  });

  test('for a file that is not listed says that it is not there; where nothing can be listed, how it failed', async () => {
    const get = sh('exit 1', '{path}');
    const store = await listing('1\tb\n', { get });
    expect((await failureOf(bytesIn(store, 'app/a'))).code).toBe('FILE_UNUSABLE');
    const unheard = await listing('', { get, list: sh('exit 255', '{folder}') });
    expect(await failureOf(bytesIn(unheard, 'app/a'))).toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: 'get shell:app/a: sh ended with exit code 1',
    });
  });

  test('is not installed: its name is said', async () => {
    const store = await openStore(shellCopy('/nonexistent', { get: ['no-such-tool', '{path}'] }));
    expect(await failureOf(bytesIn(store, 'a'))).toMatchObject({
      code: 'PROGRAM_MISSING',
      message: expect.stringContaining('no-such-tool'),
    });
  });

  test('shows no secret of its environment', async () => {
    const get = sh('echo "no: $TOKEN" >&2; exit 1', '{path}');
    const store = await listing('1\ta\n', { get, env: { TOKEN: 'planted-token' } });
    const failure = await failureOf(bytesIn(store, 'app/a'));
    expect(failure.message).toContain('no: [secret]');
    expect(everythingOf(failure)).not.toContain('planted-');
  });
});

describe('a removal', () => {
  test('is left out: everything is retained', async () => {
    const root = await emptyFolder();
    const store = await openStore(shellCopy(root, { remove: undefined }));
    await putBytes(store, 'a', 'x');
    expect(await store.remove('a', forever)).toBe('retained');
    expect((await bytesIn(store, 'a')).toString()).toBe('x');
  });

  test.each([
    ['an exit code of the settings', 'exit 7', 'retained'],
    ['the words of a service', 'echo "AccessDenied: Access Denied" >&2; exit 1', 'retained'],
    ['the words of an immutable file', 'echo "rm: cannot remove: Operation not permitted" >&2; exit 1', 'retained'],
    ['an exit code for nothing there', 'exit 44', 'removed'],
  ] as const)('answered by %s', async (_, script, expected) => {
    const store = await openStore(shellCopy('/nonexistent', { remove: sh(script, '{path}'), retained: [7] }));
    expect(await store.remove('a', forever)).toBe(expected);
  });

  test('that was never heard is an error, not something retained', async () => {
    const script = 'echo "ana@host: Permission denied (publickey)." >&2; exit 255';
    const store = await openStore(shellCopy('/nonexistent', { remove: sh(script, '{path}') }));
    expect((await failureOf(store.remove('a', forever))).code).toBe('STORE_REFUSED');
  });
});

describe('an upload', () => {
  test('that breaks off in the middle leaves nothing, and the old file stays', async () => {
    const root = await emptyFolder();
    await putBytes(await openStore(shellCopy(root)), 'app/a', 'old');
    const half = sh('head -c 2 "$1" > "$2"; exit 1', '{file}', `${root}/{path}`);
    const store = await openStore(shellCopy(root, { put: half }));
    expect((await failureOf(putBytes(store, 'app/a', 'newer'))).code).toBe('STORE_UNREACHABLE');
    expect((await bytesIn(store, 'app/a')).toString()).toBe('old');
    expect(await readdir(join(root, 'app'))).toEqual(['a']);
  });

  test('without a move goes to its final name at once', async () => {
    const root = await emptyFolder();
    const store = await openStore(shellCopy(root, { move: undefined }));
    await putBytes(store, 'app/a', 'x');
    expect((await bytesIn(store, 'app/a')).toString()).toBe('x');
  });
});

describe('a command', () => {
  test('gets its words as they are, however they look to a shell', async () => {
    const root = await emptyFolder();
    await writeFile(join(root, 'got'), '');
    const get = ['/bin/sh', '-c', 'printf "%s\\n" "$@"', 'sh', '{path}', 'a {path} b', '{other}', '$HOME'];
    const store = await openStore(shellCopy(root, { get }));
    const odd = `$(touch ${root}/gone) {folder} ; "x"`;
    expect((await bytesIn(store, odd)).toString()).toBe(`${odd}\na ${odd} b\n{other}\n$HOME\n`);
    expect(await readdir(root)).toEqual(['got']);
  });

  test.each(["it's", 'two\nlines', 'a/../../b', '..'])('never gets the path %o', async (path) => {
    const store = await openStore(shellCopy(await emptyFolder()));
    for (const work of [
      () => store.list(path, forever),
      () => putBytes(store, path, 'x'),
      () => bytesIn(store, path),
      () => store.remove(path, forever),
    ])
      expect((await failureOf(work())).code).toBe('STORE_REFUSED');
  });

  test('that a shell of another host reads can quote its path', async () => {
    const root = await emptyFolder();
    const ssh = await emptyFolder();
    // As ssh does: all words after the host become one line for the shell over there.
    await writeFile(join(ssh, 'ssh'), '#!/bin/sh\nshift\nexec /bin/sh -c "$*"\n', { mode: 0o755 });
    const over = (line: string): readonly string[] => [join(ssh, 'ssh'), 'host', line];
    const store = await openStore(
      shellCopy(root, {
        get: over(`test -e '${root}/{path}' || exit 44; exec cat '${root}/{path}'`),
        list: over(`test -d '${root}/{folder}' || exit 44; exec find '${root}/{folder}' -type f -printf '%s\\t%P\\n'`),
        remove: over(`rm -f '${root}/{path}'`),
      }),
    );
    const odd = `$(touch ${root}/gone) \`touch gone\` "; rm -rf x`;
    await putBytes(store, odd, 'x');
    expect((await bytesIn(store, odd)).toString()).toBe('x');
    expect((await store.list('', forever))?.folders).toEqual(['$(touch ']);
    expect(await store.remove(odd, forever)).toBe('removed');
    expect((await failureOf(bytesIn(store, odd))).code).toBe('FILE_UNUSABLE');
    expect(await store.list('', forever)).toEqual(shown({}));
  });

  test('gets secrets by its environment, never by its arguments', async () => {
    const env = { TOKEN: 'planted-token' };
    const store = await openStore(
      shellCopy('/nonexistent', { get: sh('printf %s "$TOKEN"; tr "\\0" " " </proc/$$/cmdline', '{path}'), env }),
    );
    const said = (await bytesIn(store, 'a')).toString();
    expect(said).toMatch(/^planted-token/);
    expect(said.slice('planted-token'.length)).not.toContain('planted-');
  });

  test.each([
    ['list', { list: sh('exec sleep 60', '{folder}') }, 'it did not end within 100 ms'],
    ['get', { get: sh('echo begun; exec sleep 60', '{path}') }, 'nothing came for 100 ms'],
    ['put', { put: sh('exec sleep 60', '{file}', '{path}'), putTimeout: '100ms' }, 'it did not end within 100 ms'],
  ])('that does not end is given up, and ended: %s', async (verb, more, message) => {
    const store = await openStore(shellCopy(await emptyFolder(), { timeout: '100ms', ...more }));
    const work = {
      list: () => store.list('', forever),
      get: () => bytesIn(store, 'a'),
      put: () => putBytes(store, 'a', 'x'),
    };
    const failure = await failureOf(verb === 'list' ? work.list() : verb === 'get' ? work.get() : work.put());
    expect(failure).toMatchObject({ code: 'STORE_UNREACHABLE', message: expect.stringContaining(message) });
    expect(descendants('sleep')).toEqual([]);
  });

  test('may wait as long as its reader does', async () => {
    const root = await emptyFolder();
    const store = await openStore(shellCopy(root, { timeout: '1s' }));
    await putBytes(await openStore(shellCopy(root)), 'a', Buffer.alloc(500_000));
    let sizeBytes = 0;
    for await (const piece of store.read('a', forever)) {
      if (sizeBytes === 0) await sleep(1_300);
      sizeBytes += piece.length;
    }
    expect(sizeBytes).toBe(500_000);
  });

  test('is ended by the signal, and when its reader has seen enough', async () => {
    const get = sh('echo begun; exec sleep 60', '{path}');
    const store = await openStore(
      shellCopy('/nonexistent', { get, put: sh('exec sleep 60', '{file}', '{path}'), move: undefined }),
    );
    const stop = new AbortController();
    const failed = expect(store.put('a', await uploadOf('x'), stop.signal)).rejects.toThrow('enough');
    const putting = await processNamed('sleep');
    stop.abort(new Error('enough'));
    await failed;
    await until('the end of the upload', () => (isAlive(putting) ? undefined : true));
    for await (const piece of store.read('a', forever)) {
      expect(piece.toString()).toBe('begun\n');
      break;
    }
    expect(descendants('sleep')).toEqual([]);
  });
});
