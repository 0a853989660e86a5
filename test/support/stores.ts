import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Store, StoreUpload } from '../../src/adapters/store.ts';
import { copySettings } from '../../src/backups/copy-settings.ts';
import { openCopy } from '../../src/backups/open-copy.ts';
import { MaintError } from '../../src/base/errors.ts';
import { startS3Server, type S3Server } from './s3-server.ts';

/** A signal that never comes. */
export const forever = new AbortController().signal;

/** The exit code by which the commands below say that there is nothing of that name. */
const NOTHING = 44;

/** A store as a configuration would describe it. */
export type Copy = Readonly<Record<string, unknown>>;

/** Each kind of store, empty, in a place that goes away with the test. */
export const KINDS: Readonly<Record<'directory' | 's3' | 'command', () => Promise<Copy>>> = {
  directory: async () => ({ type: 'directory', name: 'shelf', directory: await emptyFolder() }),
  s3: async () => copyIn(await s3Server({ pageSize: 2 })),
  command: async () => shellCopy(await emptyFolder()),
};

/** Opens a store that a configuration describes. */
export async function openStore(copy: Copy): Promise<Store> {
  return openCopy(await copySettings.parseAsync(copy));
}

/** A folder that goes away with the test. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maint-store-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** An S3 service that ends with the test. */
export async function s3Server(options: Parameters<typeof startS3Server>[0] = {}): Promise<S3Server> {
  const server = await startS3Server(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** A place for copies in the bucket of a service. */
export function copyIn(server: S3Server, more: Copy = {}): Copy {
  return {
    type: 's3',
    name: 'cloud',
    bucket: server.bucket,
    region: server.region,
    endpoint: server.origin,
    accessKeyId: server.owner.accessKeyId,
    secretAccessKey: server.owner.secretAccessKey,
    partSize: '5 MB',
    timeout: '20s',
    ...more,
  };
}

/** A place for copies that the shell's own programs reach. */
export function shellCopy(root: string, more: Copy = {}): Copy {
  const sh = (script: string, ...args: readonly string[]): readonly string[] => [
    '/bin/sh',
    '-c',
    script,
    'sh',
    ...args,
  ];
  const path = `${root}/{path}`;
  return {
    type: 'command',
    name: 'shell',
    medium: 'disk',
    put: sh('mkdir -p "$(dirname "$2")" && exec cp "$1" "$2"', '{file}', path),
    get: sh(`test -e "$1" || exit ${NOTHING}; exec cat "$1"`, path),
    list: sh(`test -d "$1" || exit ${NOTHING}; exec find "$1" -type f -printf '%s\\t%P\\n'`, `${root}/{folder}`),
    remove: ['rm', '-f', path],
    move: ['mv', '-T', `${root}/{from}`, `${root}/{to}`],
    notFound: [NOTHING],
    ...more,
  };
}

/** Writes a file of this host and describes it for `Store.put`. */
export async function uploadOf(bytes: string | Buffer, more: Partial<StoreUpload> = {}): Promise<StoreUpload> {
  const file = join(await emptyFolder(), 'upload');
  await writeFile(file, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { file, sizeBytes: Buffer.byteLength(bytes), sha256, onBytes: () => undefined, ...more };
}

/** Puts a file into a store. */
export async function putBytes(store: Store, path: string, bytes: string | Buffer): Promise<void> {
  await store.put(path, await uploadOf(bytes), forever);
}

/** Everything that a store holds under a path. */
export async function bytesIn(store: Store, path: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of store.read(path, forever)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The error that some work ends with. */
export async function failureOf(work: Promise<unknown>): Promise<MaintError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof MaintError) return error;
  throw new Error(`expected a MaintError, got ${String(error)}`, { cause: error });
}

/** Everything that a log could show of an error. */
export function everythingOf(error: MaintError): string {
  const beneath = error.cause instanceof Error ? `${error.cause.message}${error.cause.stack}` : String(error.cause);
  return `${error.message}${error.stack}${error.hint}${beneath}${JSON.stringify(error.cause)}`;
}
