import { randomBytes } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Store, StoreUpload } from '../../src/adapters/store.ts';
import { ALL_RIGHTS, type S3Fault, type S3Login, type S3Server } from '../support/s3-server.ts';
import type { Copy } from '../support/stores.ts';
import {
  bytesIn,
  copyIn,
  everythingOf,
  failureOf,
  forever,
  openStore,
  putBytes,
  s3Server,
  uploadOf,
} from '../support/stores.ts';

/** Three parts of 5 MiB, the last one short. */
const LARGE = randomBytes(11 * 2 ** 20 + 17);

const login = (more: Partial<S3Login> = {}): S3Login => ({
  accessKeyId: 'AKIDWRITER',
  secretAccessKey: 'planted-writer-secret',
  rights: ALL_RIGHTS,
  ...more,
});

/** A service with these logins, and a store for the first of them. */
async function storeFor(
  login: S3Login,
  more: Copy = {},
): Promise<{ readonly server: S3Server; readonly store: Store }> {
  const server = await s3Server({ logins: [login] });
  const { accessKeyId, secretAccessKey, sessionToken } = login;
  const keys = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  return { server, store: await openStore(copyIn(server, { ...keys, ...more })) };
}

/** Everything that one can do with a store. */
function everyWork(store: Store, upload: StoreUpload): readonly (() => Promise<unknown>)[] {
  return [
    () => store.list('', forever),
    () => store.put('a', upload, forever),
    () => store.remove('a', forever),
    () => bytesIn(store, 'a'),
  ];
}

async function storeIn(server: S3Server, more: Copy = {}): Promise<Store> {
  return openStore(copyIn(server, more));
}

describe('an upload', () => {
  test('in parts carries a checksum on each part, which the service compares', async () => {
    const server = await s3Server();
    await putBytes(await storeIn(server), 'big', LARGE);
    expect(server.headersOf('CreateMultipartUpload')[0]).toMatchObject({ 'x-amz-checksum-algorithm': 'CRC32' });
    expect(server.headersOf('UploadPart').map((headers) => typeof headers['x-amz-checksum-crc32'])).toEqual([
      'string',
      'string',
      'string',
    ]);
    expect((await server.bytesOf('big')).equals(LARGE)).toBe(true);
  });

  test.each(['PutObject', 'UploadPart'] as const)(
    'that arrives damaged is refused and leaves nothing: %s',
    async (operation) => {
      const server = await s3Server();
      server.fault({ operation, effect: 'damage' });
      const store = await storeIn(server);
      const failure = await failureOf(putBytes(store, 'a', operation === 'PutObject' ? 'small' : LARGE));
      expect(failure).toMatchObject({ code: 'STORE_REFUSED', hint: expect.stringContaining('damaged') });
      expect(await server.keys()).toEqual([]);
      expect(await server.openUploads()).toBe(0);
    },
  );

  test('sends no checksum headers to a service that refuses them, but signs every byte', async () => {
    const server = await s3Server({ knowsChecksums: false });
    const refused = await failureOf(putBytes(await storeIn(server), 'a', 'x'));
    expect(refused).toMatchObject({ code: 'STORE_REFUSED', hint: expect.stringContaining('checksums: false') });
    const store = await storeIn(server, { checksums: false });
    await putBytes(store, 'a', 'x');
    await putBytes(store, 'big', LARGE);
    expect((await server.bytesOf('big')).equals(LARGE)).toBe(true);
    server.fault({ operation: 'PutObject', effect: 'damage' });
    expect((await failureOf(putBytes(store, 'b', 'x'))).code).toBe('STORE_REFUSED');
  });

  test.each([
    ['small', 'x'],
    ['large', LARGE],
  ] as const)('of a file that is not the one expected never appears: %s', async (_, bytes) => {
    const server = await s3Server();
    const upload = { ...(await uploadOf(bytes)), sha256: 'f'.repeat(64) };
    const failure = await failureOf((await storeIn(server)).put('a', upload, forever));
    expect(failure).toMatchObject({ code: 'FILE_UNUSABLE', message: expect.stringContaining(upload.file) });
    expect(await server.keys()).toEqual([]);
    expect(await server.openUploads()).toBe(0);
  });

  test('leaves out what was added to the file since', async () => {
    const server = await s3Server();
    const upload = await uploadOf(LARGE);
    await appendFile(upload.file, 'more');
    await (await storeIn(server)).put('big', upload, forever);
    expect((await server.bytesOf('big')).equals(LARGE)).toBe(true);
  });

  test.each<S3Fault>([
    { operation: 'PutObject', times: 2, effect: { status: 503, code: 'SlowDown' } },
    { operation: 'PutObject', times: 1, effect: 'cut' },
    { operation: 'CreateMultipartUpload', times: 1, effect: { status: 500, code: 'InternalError' } },
    { operation: 'UploadPart', times: 2, effect: 'cut' },
    { operation: 'CompleteMultipartUpload', times: 1, effect: { status: 503, code: 'SlowDown' } },
  ])('gets over a passing fault: %o', async (fault) => {
    const server = await s3Server();
    server.fault(fault);
    const bytes = fault.operation === 'PutObject' ? Buffer.from('small') : LARGE;
    await putBytes(await storeIn(server), 'a', bytes);
    expect((await server.bytesOf('a')).equals(bytes)).toBe(true);
  });

  test.each<S3Fault>([
    { operation: 'UploadPart', after: 1, effect: { status: 503, code: 'SlowDown' } },
    { operation: 'UploadPart', after: 2, effect: 'cut' },
    { operation: 'CompleteMultipartUpload', effect: 'late-error' },
    { operation: 'CompleteMultipartUpload', effect: { status: 500, code: 'InternalError' } },
  ])('gives up on a lasting fault, and has the service forget the parts: %o', async (fault) => {
    const server = await s3Server();
    server.fault(fault);
    const failure = await failureOf(putBytes(await storeIn(server), 'a', LARGE));
    expect(failure).toMatchObject({ code: 'STORE_UNREACHABLE', message: expect.stringContaining('s3://vault/a') });
    expect(await server.keys()).toEqual([]);
    expect(await server.openUploads()).toBe(0);
  });

  test('tries four times and no more', async () => {
    const server = await s3Server();
    server.fault({ operation: 'PutObject', effect: { status: 503, code: 'SlowDown' } });
    expect((await failureOf(putBytes(await storeIn(server), 'a', 'x'))).message).toContain('503 (SlowDown');
    expect(server.operations).toEqual(Array.from({ length: 4 }, () => 'PutObject'));
  });

  test('says what went wrong first, also when the parts may not be forgotten', async () => {
    const { server, store } = await storeFor(login({ rights: ['put', 'get', 'list'] }));
    server.fault({ operation: 'CompleteMultipartUpload', effect: { status: 403, code: 'AccessDenied' } });
    expect((await failureOf(putBytes(store, 'big', LARGE))).code).toBe('STORE_REFUSED');
    expect(server.operations.at(-1)).toBe('AbortMultipartUpload');
    expect(await store.list('', forever)).toEqual({ files: [], folders: [] });
  });

  test('stops at the signal in the middle of a part, and has the service forget the others', async () => {
    const server = await s3Server();
    server.fault({ operation: 'UploadPart', after: 1, effect: 'hang' });
    const stop = new AbortController();
    const putting = (await storeIn(server)).put('big', await uploadOf(LARGE), stop.signal);
    const failed = expect(putting).rejects.toThrow('enough');
    await server.asked('UploadPart', 3);
    stop.abort(new Error('enough'));
    await failed;
    expect(await server.openUploads()).toBe(0);
  });

  test('asks for the storage class and the encryption of the settings', async () => {
    const server = await s3Server();
    const store = await storeIn(server, { storageClass: 'STANDARD_IA', serverSideEncryption: 'aws:kms' });
    await putBytes(store, 'a', 'x');
    await putBytes(store, 'big', LARGE);
    const expected = { 'x-amz-storage-class': 'STANDARD_IA', 'x-amz-server-side-encryption': 'aws:kms' };
    expect(server.headersOf('PutObject')[0]).toMatchObject(expected);
    expect(server.headersOf('CreateMultipartUpload')[0]).toMatchObject(expected);
  });
});

describe('a read', () => {
  test.each([0, 1, 3_000_000, LARGE.length - 1])('goes on where the connection was cut: byte %i', async (cutAt) => {
    const server = await s3Server();
    await server.plant('big', LARGE);
    server.fault({ operation: 'GetObject', times: 1, effect: { cutAt } });
    expect((await bytesIn(await storeIn(server), 'big')).equals(LARGE)).toBe(true);
    expect(server.headersOf('GetObject').at(-1)?.['range']).toBe(cutAt === 0 ? undefined : `bytes=${cutAt}-`);
  });

  test('that is cut at the same byte time and again is an error, not the end of the file', async () => {
    const server = await s3Server();
    await server.plant('big', LARGE);
    server.fault({ operation: 'GetObject', effect: { cutAt: 1_000_000 } });
    const failure = await failureOf(bytesIn(await storeIn(server), 'big'));
    expect(failure).toMatchObject({ code: 'STORE_UNREACHABLE', message: expect.stringContaining('byte 1000000') });
  });

  test('never puts two files together', async () => {
    const server = await s3Server();
    await server.plant('big', LARGE);
    server.fault({ operation: 'GetObject', times: 1, effect: { cutAt: 1_000_000 } });
    const store = await storeIn(server);
    const read = async (): Promise<void> => {
      for await (const piece of store.read('big', forever))
        if (piece.length > 0) await server.plant('big', randomBytes(LARGE.length));
    };
    expect(await failureOf(read())).toMatchObject({
      code: 'FILE_UNUSABLE',
      message: expect.stringContaining('changed'),
    });
  });

  test('does not take the beginning again for the rest', async () => {
    const server = await s3Server();
    await server.plant('big', LARGE);
    server.fault({ operation: 'GetObject', times: 1, effect: { cutAt: 1_000_000 } });
    server.fault({ operation: 'GetObject', effect: 'no-range' });
    expect((await failureOf(bytesIn(await storeIn(server), 'big'))).code).toBe('STORE_REFUSED');
  });

  test('stops at the signal while nothing comes', async () => {
    const server = await s3Server();
    server.fault({ operation: 'GetObject', effect: 'hang' });
    const stop = new AbortController();
    const pieces = (await storeIn(server)).read('a', stop.signal);
    const failed = expect(pieces[Symbol.asyncIterator]().next()).rejects.toThrow('enough');
    await server.asked('GetObject');
    stop.abort(new Error('enough'));
    await failed;
  });
});

describe('a listing', () => {
  test('of many pages is whole', async () => {
    const server = await s3Server({ pageSize: 3 });
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`).toSorted();
    for (const name of names) {
      await server.plant(`app/${name}`, name);
      await server.plant(`app/${name}-folder/x`, 'x');
    }
    const listing = await (await storeIn(server)).list('app', forever);
    expect(listing?.files.map(({ name }) => name)).toEqual(names);
    expect(listing?.folders).toEqual(names.map((name) => `${name}-folder`).toSorted());
  });

  test('sees only what lies below its prefix', async () => {
    const server = await s3Server();
    await server.plant('deep/er/app/a', 'mine');
    await server.plant('app/b', 'not mine');
    const store = await storeIn(server, { prefix: '/deep/er/' });
    expect(await store.list('', forever)).toEqual({ files: [], folders: ['app'] });
    expect(await store.list('app', forever)).toEqual({ files: [{ name: 'a', sizeBytes: 4 }], folders: [] });
    expect((await bytesIn(store, 'app/a')).toString()).toBe('mine');
    expect(store.locate('app/a')).toBe('s3://vault/deep/er/app/a');
    await putBytes(store, 'app/c', 'x');
    expect(await server.keys()).toContain('deep/er/app/c');
  });

  test('leaves out marks of folders and names that would lead out of one', async () => {
    const server = await s3Server();
    for (const key of ['app/', 'app/a', 'app/..', 'app/../x', 'app//x']) await server.plant(key, 'x');
    const listing = await (await storeIn(server)).list('app', forever);
    expect(listing).toEqual({ files: [{ name: 'a', sizeBytes: 1 }], folders: [] });
  });

  test.each([
    ['a web page', '<!doctype html><html><body>Welcome</body></html>'],
    ['some other XML', '<?xml version="1.0"?><ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>'],
    ['nothing', ''],
  ])('that is %s is no empty folder', async (_, body) => {
    const server = await s3Server();
    server.fault({ operation: 'ListObjectsV2', effect: { status: 200, code: '', body } });
    expect((await failureOf((await storeIn(server)).list('app', forever))).code).toBe('STORE_REFUSED');
  });
});

describe('rights', () => {
  test('to put, get and list are enough, and what may not be removed is retained', async () => {
    const { store } = await storeFor(login({ rights: ['put', 'get', 'list'] }));
    await putBytes(store, 'app/a', 'x');
    await putBytes(store, 'app/big', LARGE);
    expect((await bytesIn(store, 'app/a')).toString()).toBe('x');
    expect(await store.remove('app/a', forever)).toBe('retained');
    expect((await store.list('app', forever))?.files.map(({ name }) => name)).toEqual(['a', 'big']);
  });

  test('a bucket with object lock takes uploads with a checksum, and retains them', async () => {
    const server = await s3Server({ isLocked: true });
    const store = await storeIn(server);
    await putBytes(store, 'a', 'x');
    await putBytes(store, 'big', LARGE);
    expect(await store.remove('a', forever)).toBe('retained');
    expect(await server.keys()).toEqual(['a', 'big']);
    expect((await failureOf(putBytes(await storeIn(server, { checksums: false }), 'b', 'x'))).code).toBe(
      'STORE_REFUSED',
    );
  });

  test.each([
    [405, 'MethodNotAllowed'],
    [409, 'ObjectLockedByBucketPolicy'],
    [400, 'InvalidRetentionPeriod'],
  ])('a refusal to remove is retained: %i %s', async (status, code) => {
    const server = await s3Server();
    server.fault({ operation: 'DeleteObject', effect: { status, code } });
    expect(await (await storeIn(server)).remove('a', forever)).toBe('retained');
  });

  test.each([
    ['a wrong key', { secretAccessKey: 'planted-other-secret' }, 'SignatureDoesNotMatch', 'secretAccessKey'],
    ['an unknown key', { accessKeyId: 'AKIDNOBODY' }, 'InvalidAccessKeyId', 'accessKeyId'],
    ['another region', { region: 'eu-central-1' }, "expecting 'us-east-1'", 'region'],
    ['no bucket', { bucket: 'nowhere' }, 'NoSuchBucket', 'Make the bucket nowhere'],
  ])('%s is said, with what to do', async (_, more, message, hint) => {
    const server = await s3Server();
    const store = await storeIn(server, more);
    const upload = await uploadOf('x');
    for (const work of everyWork(store, upload))
      expect(await failureOf(work())).toMatchObject({
        code: 'STORE_REFUSED',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      });
  });

  test('lacking rights are named', async () => {
    const { store } = await storeFor(login({ rights: [] }));
    expect(await failureOf(store.list('', forever))).toMatchObject({
      code: 'STORE_REFUSED',
      message: 's3://vault: AccessDenied: Access Denied',
      hint: 'Allow s3:PutObject, s3:GetObject and s3:ListBucket on the bucket vault; nothing else is needed.',
    });
  });

  test('a key that expires brings its token, and no secret is ever in an error', async () => {
    const expiring = login({ sessionToken: 'planted-token' });
    const { server, store } = await storeFor(expiring);
    await putBytes(store, 'a', 'x');
    const { rights: _, ...keys } = expiring;
    const wrong = await openStore(copyIn(server, { ...keys, secretAccessKey: 'planted-other-secret' }));
    const failure = await failureOf(wrong.list('', forever));
    expect(failure.message).toContain('SignatureDoesNotMatch');
    expect(everythingOf(failure)).not.toContain('planted-');
  });

  test('keys of the environment are used where the settings have none', async () => {
    const server = await s3Server();
    const { accessKeyId, secretAccessKey } = server.owner;
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
    const { accessKeyId: _, secretAccessKey: __, ...copy } = copyIn(server);
    await putBytes(await openStore(copy), 'a', 'x');
    vi.unstubAllEnvs();
    expect(await server.keys()).toEqual(['a']);
  });

  test('no key anywhere is said', async () => {
    const server = await s3Server();
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
    const { accessKeyId: _, secretAccessKey: __, ...copy } = copyIn(server);
    const failure = await failureOf((await openStore(copy)).list('', forever));
    vi.unstubAllEnvs();
    expect(failure).toMatchObject({ code: 'STORE_REFUSED', hint: expect.stringContaining('AWS_ACCESS_KEY_ID') });
  });
});

describe('a service that does not answer', () => {
  test.each([
    ['nobody listens', 'http://127.0.0.1:1', 'ECONNREFUSED'],
    ['there is no such host', 'http://nowhere.invalid:9000', 'nowhere.invalid'],
  ])('is unreachable: %s', async (_, endpoint, message) => {
    const server = await s3Server();
    const store = await storeIn(server, { endpoint });
    const upload = await uploadOf(LARGE);
    for (const work of everyWork(store, upload))
      expect(await failureOf(work())).toMatchObject({
        code: 'STORE_UNREACHABLE',
        message: expect.stringMatching(new RegExp(`^s3://vault.*${message}`)),
      });
  });

  test.each(['ListObjectsV2', 'PutObject', 'DeleteObject', 'GetObject'] as const)(
    'but takes the request is given up: %s',
    async (operation) => {
      const server = await s3Server();
      await server.plant('a', 'x');
      server.fault({ operation, effect: 'hang' });
      const store = await storeIn(server, { timeout: '100ms' });
      const work = {
        ListObjectsV2: () => store.list('', forever),
        PutObject: () => putBytes(store, 'b', 'x'),
        DeleteObject: () => store.remove('a', forever),
        GetObject: () => bytesIn(store, 'a'),
      };
      expect(await failureOf(work[operation]())).toMatchObject({
        code: 'STORE_UNREACHABLE',
        message: expect.stringContaining('did not answer in time'),
      });
    },
  );
});
