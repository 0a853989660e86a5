import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { copySettings } from '../../src/backups/copy-settings.ts';
import { openCopy } from '../../src/backups/open-copy.ts';

const directory = { type: 'directory', name: 'nas', directory: '/mnt/nas' };
const s3 = { type: 's3', name: 'cloud', bucket: 'app-backups' };
const command = {
  type: 'command',
  name: 'tape',
  medium: 'tape',
  put: ['tool', 'put', '{file}', '{path}'],
  get: ['tool', 'get', '{path}'],
  list: ['tool', 'list', '{folder}'],
};

test('a few words are enough for each kind', async () => {
  expect(await copySettings.parseAsync(directory)).toMatchObject({ ...directory, medium: 'disk', offsite: false });
  expect(await copySettings.parseAsync(s3)).toMatchObject({
    ...s3,
    medium: 'object',
    offsite: false,
    prefix: '',
    region: 'us-east-1',
    checksums: true,
    timeout: 60_000,
    partSize: 8 * 2 ** 20,
  });
  expect(await copySettings.parseAsync({ ...command, immutableFor: '30 days' })).toMatchObject({
    ...command,
    offsite: false,
    immutableFor: 30 * 86_400_000,
    listPrefix: '',
    notFound: [],
    retained: [],
    env: {},
    timeout: 300_000,
    putTimeout: 6 * 3_600_000,
  });
});

test.each([
  ['a folder that depends on where maint is started', { ...directory, directory: 'copies' }, 'absolute'],
  ['a bucket with a path', { ...s3, bucket: 's3://app-backups/x' }, 'without s3://'],
  ['an endpoint that is no URL', { ...s3, endpoint: 'minio:9000' }, 'http:// or https://'],
  ['a key without its secret', { ...s3, accessKeyId: 'AKID' }, 'belong together'],
  ['a secret without its key', { ...s3, secretAccessKey: 'x' }, 'belong together'],
  ['parts that S3 refuses', { ...s3, partSize: '1 MB' }, '5 MB'],
  ['a class from which nothing can be read at once', { ...s3, storageClass: 'DEEP_ARCHIVE' }, 'GLACIER_IR'],
  ['a command that does not say where to', { ...command, put: ['tool', '{file}'] }, '{file} and {path}'],
  ['a path as the program', { ...command, get: ['{path}'] }, '{path}'],
  ['a listing of always the same', { ...command, list: ['tool', 'list'] }, '{folder} or {prefix}'],
  ['a command without a medium', { ...command, medium: undefined }, 'medium'],
  ['an exit code that means success', { ...command, notFound: [0] }, 'notFound'],
  ['an unknown kind', { ...command, type: 'ftp' }, 'type'],
  ['an unknown word', { ...s3, buket: 'x' }, 'buket'],
])('%s is refused', async (_, copy, said) => {
  const { error } = await copySettings.safeParseAsync(copy);
  expect(JSON.stringify(error?.issues)).toContain(said);
});

const examples = [...readFileSync('docs/copies.md', 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)].map(
  ([, text = '']) => text,
);

test('the page about copies has an example of each kind, and each is right', async () => {
  const read = await copySettings.array().parseAsync(examples.flatMap((text) => parse(text)));
  expect(new Set(read.map(({ type }) => type))).toEqual(new Set(['directory', 's3', 'command']));
  expect(read.length).toBeGreaterThanOrEqual(5);
});

test('secrets are wrapped', async () => {
  const keys = { accessKeyId: 'AKID', secretAccessKey: 'planted-secret', sessionToken: 'planted-token' };
  const read = [
    await copySettings.parseAsync({ ...s3, ...keys }),
    await copySettings.parseAsync({ ...command, env: { TOKEN: 'planted-env' } }),
  ];
  expect(inspect(read, { depth: 9 }) + JSON.stringify(read)).not.toContain('planted-');
});

test.each([
  [directory, '/mnt/nas/app/a'],
  [{ ...s3, prefix: '/db/' }, 's3://app-backups/db/app/a'],
  [command, 'tape:app/a'],
])('opens %o without reaching for it, and says where a path lies', async (copy, expected) => {
  const store = openCopy(await copySettings.parseAsync(copy));
  expect([store.name, store.locate('app/a')]).toEqual([copy.name, expected]);
});
