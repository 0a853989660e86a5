import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { receiveBody, type ReceivedBody } from './s3-body.ts';
import { pathOf, S3Refusal, signedBy, text, type Login } from './s3-signature.ts';

type Right = 'get' | 'put' | 'list' | 'delete' | 'abort';

/** Someone who may ask, and for what. */
export interface S3Login extends Login {
  readonly rights: readonly Right[];
}

type Operation =
  | 'ListObjectsV2'
  | 'GetObject'
  | 'HeadObject'
  | 'PutObject'
  | 'DeleteObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload';

/** Something that goes wrong with the next requests of one operation. */
export interface S3Fault {
  readonly operation: Operation;
  /** How many requests pass before; none where left out. */
  readonly after?: number;
  /** How many requests it hits; all where left out. */
  readonly times?: number;
  /**
   * `hang` never answers, `cut` closes the connection, `damage` flips a bit of what arrives, `late-error` answers 200
   * and then says that it failed, `no-range` ignores ranges; an object answers with that error, or closes the connection
   * at that byte of the file.
   */
  readonly effect:
    | 'hang'
    | 'cut'
    | 'damage'
    | 'late-error'
    | 'no-range'
    | { readonly status: number; readonly code: string; readonly body?: string }
    | { readonly cutAt: number };
}

interface Options {
  readonly region?: string;
  readonly logins?: readonly S3Login[];
  /** A bucket with object lock: an upload needs a checksum, and nothing is deleted. */
  readonly isLocked?: boolean;
  /** How many names one page of a listing has. */
  readonly pageSize?: number;
  /** Refuses checksums as services do that do not know them. */
  readonly knowsChecksums?: boolean;
  /** Answers by https only, with this certificate and key in PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Where the name of the bucket must stand; wherever it does where left out. */
  readonly addressing?: 'path' | 'host';
}

/** A small S3 service over real files, with one bucket. */
export interface S3Server extends AsyncDisposable {
  readonly origin: string;
  readonly bucket: string;
  readonly region: string;
  /** A login that may do everything. */
  readonly owner: S3Login;
  /** What was asked for so far, in order. */
  readonly operations: readonly Operation[];
  /** The headers of each request of an operation. */
  headersOf(operation: Operation): readonly IncomingMessage['headers'][];
  fault(fault: S3Fault): void;
  /** Ends all faults. */
  heal(): void;
  /** Resolves when an operation was asked for that many times. */
  asked(operation: Operation, times?: number): Promise<void>;
  /** How many uploads in parts are neither completed nor aborted. */
  openUploads(): Promise<number>;
  /** The keys of all whole files. */
  keys(): Promise<readonly string[]>;
  /** Bytes of a file as they lie there. */
  bytesOf(key: string): Promise<Buffer>;
  /** Lays a file there as somebody else would. */
  plant(key: string, bytes: string | Buffer): Promise<void>;
}

export const ALL_RIGHTS: readonly Right[] = ['get', 'put', 'list', 'delete', 'abort'];

/** Starts a service on a free port of 127.0.0.1. */
export async function startS3Server(options: Options = {}): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'maint-s3-'));
  const owner = { accessKeyId: 'AKIDOWNER', secretAccessKey: 'planted-owner-secret', rights: ALL_RIGHTS };
  const service = new Service(folder, { logins: [owner], region: 'us-east-1', ...options });
  await mkdir(service.objects);
  await mkdir(service.uploads);
  const answer = (request: IncomingMessage, response: ServerResponse): void => void service.handle(request, response);
  const server = options.tls === undefined ? createServer(answer) : createSecureServer(options.tls, answer);
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    origin: `${options.tls === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${typeof address === 'object' ? address?.port : ''}`,
    bucket: BUCKET,
    region: service.options.region,
    owner,
    operations: service.operations,
    headersOf: (operation) =>
      service.received.filter((request) => request.operation === operation).map(({ headers }) => headers),
    fault: (fault) => void service.faults.push({ after: fault.after ?? 0, times: fault.times ?? Infinity, fault }),
    heal: () => void service.faults.splice(0),
    asked: (operation, times = 1) => service.asked(operation, times),
    openUploads: async () => (await readdir(service.uploads)).length,
    keys: async () => (await readdir(service.objects)).map(decodeURIComponent).toSorted(),
    bytesOf: (key) => readFile(service.fileOf(key)),
    plant: (key, bytes) => writeFile(service.fileOf(key), bytes),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const BUCKET = 'vault';
const MIN_PART_BYTES = 5 * 2 ** 20;

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly key: string;
  readonly effect: S3Fault['effect'] | undefined;
}

class Service {
  readonly objects: string;
  readonly uploads: string;
  readonly options: Options & { readonly logins: readonly S3Login[]; readonly region: string };
  readonly operations: Operation[] = [];
  readonly received: { readonly operation: Operation; readonly headers: IncomingMessage['headers'] }[] = [];
  readonly faults: { after: number; times: number; readonly fault: S3Fault }[] = [];
  #waiting: { readonly operation: Operation; readonly times: number; resolve(): void }[] = [];

  constructor(folder: string, options: Options & { readonly logins: readonly S3Login[]; readonly region: string }) {
    this.objects = join(folder, 'objects');
    this.uploads = join(folder, 'uploads');
    this.options = options;
  }

  fileOf(key: string): string {
    return join(this.objects, encodeURIComponent(key));
  }

  asked(operation: Operation, times: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ operation, times, resolve });
      this.#tell();
    });
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client may go away at any moment.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    try {
      await this.#answer(request, response);
    } catch (error) {
      if (error instanceof S3Refusal) refuse(response, error);
      else if (request.destroyed) response.destroy();
      else refuse(response, new S3Refusal(500, 'InternalError', String(error)));
    }
    // What of a body nobody wanted still has to leave the line.
    request.resume();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const query = new URL(request.url ?? '/', 'http://s3').searchParams;
    const { bucket, key } = this.#addressed(request);
    const operation = operationOf(request.method ?? '', query, key);
    this.operations.push(operation);
    this.received.push({ operation, headers: request.headers });
    this.#tell();
    const effect = this.#effectOn(operation);
    if (effect === 'hang') return;
    if (effect === 'cut') return void request.socket.destroy();
    if (typeof effect === 'object' && 'status' in effect) {
      if (effect.body === undefined) throw new S3Refusal(effect.status, effect.code, 'Planted.');
      return void response.writeHead(effect.status).end(effect.body);
    }
    const login = signedBy(request, this.options.logins, this.options.region);
    if (bucket !== BUCKET) throw new S3Refusal(404, 'NoSuchBucket', 'The specified bucket does not exist');
    if (!login.rights.includes(RIGHTS[operation])) throw new S3Refusal(403, 'AccessDenied', 'Access Denied');
    await this.#perform(operation, { request, response, query, key, effect });
  }

  #addressed(request: IncomingMessage): { readonly bucket: string; readonly key: string } {
    const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/s.exec(pathOf(request)) ?? [];
    const isInHost = request.headers.host?.startsWith(`${BUCKET}.`) === true;
    const { addressing } = this.options;
    if (addressing !== undefined && isInHost !== (addressing === 'host'))
      throw new S3Refusal(400, 'InvalidRequest', `the bucket does not stand in the ${addressing}`);
    return isInHost ? { bucket: BUCKET, key: pathOf(request).slice(1) } : { bucket, key };
  }

  async #perform(operation: Operation, call: Call): Promise<void> {
    switch (operation) {
      case 'ListObjectsV2':
        return this.#list(call);
      case 'GetObject':
      case 'HeadObject':
        return this.#get(call);
      case 'PutObject':
        return this.#put(call);
      case 'DeleteObject':
        if (this.options.isLocked) throw new S3Refusal(403, 'AccessDenied', 'Access Denied by object lock.');
        await rm(this.fileOf(call.key), { force: true });
        return void call.response.writeHead(204).end();
      case 'CreateMultipartUpload':
        return this.#create(call);
      case 'UploadPart':
        return this.#part(call);
      case 'CompleteMultipartUpload':
        return this.#complete(call);
      case 'AbortMultipartUpload':
        await rm(await this.#folderOf(call.query), { recursive: true });
        return void call.response.writeHead(204).end();
    }
  }

  async #receive({ request, effect }: Call, path: string): Promise<ReceivedBody> {
    const isKnown = this.options.knowsChecksums ?? true;
    const checksums = Object.keys(request.headers).filter((name) =>
      /^x-amz-(checksum-|sdk-checksum|trailer)/.test(name),
    );
    if (!isKnown && checksums.length > 0)
      throw new S3Refusal(501, 'NotImplemented', `A header you provided is not implemented: ${checksums.join(', ')}`);
    const body = await receiveBody(request, { path, isDamaged: effect === 'damage' });
    if (this.options.isLocked && body.checksum === undefined)
      throw new S3Refusal(
        400,
        'InvalidRequest',
        'Content-MD5 OR x-amz-checksum- HTTP header is required with Object Lock',
      );
    return body;
  }

  async #put(call: Call): Promise<void> {
    const path = join(this.objects, '..', randomUUID());
    try {
      const { md5, checksum } = await this.#receive(call, path);
      await rename(path, this.fileOf(call.key));
      call.response.writeHead(200, { etag: `"${md5}"`, ...(checksum && { [checksum[0]]: checksum[1] }) }).end();
    } finally {
      await rm(path, { force: true });
    }
  }

  async #create({ key, request, response }: Call): Promise<void> {
    const id = randomUUID();
    const algorithm = text(request, 'x-amz-checksum-algorithm');
    if (this.options.knowsChecksums === false && algorithm !== '')
      throw new S3Refusal(501, 'NotImplemented', 'A header you provided is not implemented: x-amz-checksum-algorithm');
    await mkdir(join(this.uploads, id));
    await writeFile(join(this.uploads, id, 'key'), JSON.stringify({ key, algorithm }));
    xml(response, 200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
  }

  async #part(call: Call): Promise<void> {
    const folder = await this.#folderOf(call.query);
    const number = call.query.get('partNumber') ?? '';
    const path = join(folder, `${randomUUID()}.partial`);
    const { md5, checksum } = await this.#receive(call, path);
    await rename(path, join(folder, number));
    await writeFile(join(folder, `${number}.json`), JSON.stringify({ md5, checksum }));
    call.response.writeHead(200, { etag: `"${md5}"`, ...(checksum && { [checksum[0]]: checksum[1] }) }).end();
  }

  async #complete({ request, response, query, key, effect }: Call): Promise<void> {
    const folder = await this.#folderOf(query);
    let body = '';
    for await (const piece of request) body += String(piece);
    const { algorithm } = JSON.parse(await readFile(join(folder, 'key'), 'utf8'));
    const listed = [...body.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => part);
    if (listed.length === 0) throw new S3Refusal(400, 'MalformedXML', 'The XML you provided was not well-formed');
    const whole = join(folder, 'whole');
    const hash = createHash('md5');
    for (const [index, part] of listed.entries()) {
      const number = element(part, 'PartNumber');
      const kept = JSON.parse(await readFile(join(folder, `${number}.json`), 'utf8').catch(() => '{}'));
      if (element(part, 'ETag').replaceAll(/&quot;|&#34;|"/g, '') !== kept.md5)
        throw new S3Refusal(400, 'InvalidPart', 'One or more of the specified parts could not be found.');
      const sum = element(part, `Checksum${String(algorithm)}`);
      if (algorithm !== '' && (kept.checksum === undefined || sum !== kept.checksum[1]))
        throw new S3Refusal(400, 'InvalidPart', 'The checksum of a part is missing or another one.');
      const bytes = await readFile(join(folder, number));
      if (index < listed.length - 1 && bytes.length < MIN_PART_BYTES)
        throw new S3Refusal(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
      hash.update(Buffer.from(kept.md5, 'hex'));
      await appendFile(whole, bytes);
    }
    const failed = '<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>';
    if (effect === 'late-error') return xml(response, 200, failed);
    await rename(whole, this.fileOf(key));
    await rm(folder, { recursive: true });
    const etag = `&quot;${hash.digest('hex')}-${listed.length}&quot;`;
    xml(response, 200, `<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`);
  }

  async #folderOf(query: URLSearchParams): Promise<string> {
    const folder = join(this.uploads, query.get('uploadId') ?? 'none');
    if (await stat(folder).catch(() => undefined)) return folder;
    throw new S3Refusal(404, 'NoSuchUpload', 'The specified upload does not exist.');
  }

  async #get({ request, response, key, effect }: Call): Promise<void> {
    const path = this.fileOf(key);
    const facts = await stat(path).catch(() => undefined);
    if (facts === undefined) throw new S3Refusal(404, 'NoSuchKey', 'The specified key does not exist.');
    const etag = `"${facts.ino}-${facts.size}-${facts.mtimeMs}"`;
    if (text(request, 'if-match') !== '' && text(request, 'if-match') !== etag)
      throw new S3Refusal(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
    const range = effect === 'no-range' ? null : /^bytes=(\d+)-(\d*)$/.exec(text(request, 'range'));
    const from = Number(range?.[1] ?? 0);
    const to = Math.min(Number(range?.[2] || facts.size - 1), facts.size - 1);
    if (range !== null && from >= facts.size) throw new S3Refusal(416, 'InvalidRange', 'The range is not satisfiable');
    response.writeHead(range === null ? 200 : 206, {
      etag,
      'accept-ranges': 'bytes',
      'content-length': to - from + 1,
      'last-modified': facts.mtime.toUTCString(),
      ...(range !== null && { 'content-range': `bytes ${from}-${to}/${facts.size}` }),
    });
    if (request.method === 'HEAD' || to < from) return void response.end();
    const cutAt = typeof effect === 'object' && 'cutAt' in effect ? effect.cutAt : undefined;
    if (cutAt === undefined || cutAt > to) return pipeline(createReadStream(path, { start: from, end: to }), response);
    if (cutAt > from)
      for await (const piece of createReadStream(path, { start: from, end: cutAt - 1 })) response.write(piece);
    else response.flushHeaders();
    // Only once what was written has left.
    await new Promise((resolve) => response.write('', resolve));
    request.socket.destroySoon();
  }

  async #list({ query, response }: Call): Promise<void> {
    const prefix = query.get('prefix') ?? '';
    const delimiter = query.get('delimiter') ?? '';
    const entries = new Map<string, string>();
    for (const key of (await readdir(this.objects)).map(decodeURIComponent).toSorted()) {
      if (!key.startsWith(prefix)) continue;
      const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      const folder = end < 0 ? undefined : key.slice(0, end + delimiter.length);
      if (folder !== undefined)
        entries.set(folder, `<CommonPrefixes><Prefix>${escaped(folder)}</Prefix></CommonPrefixes>`);
      else {
        const { size, mtime } = await stat(this.fileOf(key));
        const facts = `<Size>${size}</Size><LastModified>${mtime.toISOString()}</LastModified><ETag>&quot;x&quot;</ETag>`;
        entries.set(key, `<Contents><Key>${escaped(key)}</Key>${facts}</Contents>`);
      }
    }
    const after = Buffer.from(query.get('continuation-token') ?? '', 'base64url').toString();
    const open = [...entries].filter(([name]) => name > after);
    const page = open.slice(0, Math.min(this.options.pageSize ?? 1_000, Number(query.get('max-keys') ?? 1_000)));
    const isTruncated = page.length < open.length;
    const token = Buffer.from(page.at(-1)?.[0] ?? '').toString('base64url');
    const next = isTruncated ? `<NextContinuationToken>${token}</NextContinuationToken>` : '';
    const body = page.map(([, text]) => text).join('');
    const head = `<IsTruncated>${isTruncated}</IsTruncated><KeyCount>${page.length}</KeyCount>${next}`;
    xml(response, 200, `<ListBucketResult><Name>${BUCKET}</Name>${head}${body}</ListBucketResult>`);
  }

  #effectOn(operation: Operation): S3Fault['effect'] | undefined {
    const planned = this.faults.find(({ fault, times }) => fault.operation === operation && times > 0);
    if (planned === undefined) return undefined;
    if (planned.after > 0) {
      planned.after -= 1;
      return undefined;
    }
    planned.times -= 1;
    return planned.fault.effect;
  }

  #tell(): void {
    const isDue = ({ operation, times }: { readonly operation: Operation; readonly times: number }): boolean =>
      this.operations.filter((name) => name === operation).length >= times;
    for (const watch of this.#waiting.filter(isDue)) watch.resolve();
    this.#waiting = this.#waiting.filter((watch) => !isDue(watch));
  }
}

const RIGHTS: Readonly<Record<Operation, Right>> = {
  ListObjectsV2: 'list',
  GetObject: 'get',
  HeadObject: 'get',
  PutObject: 'put',
  DeleteObject: 'delete',
  CreateMultipartUpload: 'put',
  UploadPart: 'put',
  CompleteMultipartUpload: 'put',
  AbortMultipartUpload: 'abort',
};

function operationOf(method: string, query: URLSearchParams, key: string): Operation {
  const isPart = query.has('uploadId');
  if (method === 'GET') return key === '' ? 'ListObjectsV2' : 'GetObject';
  if (method === 'HEAD') return 'HeadObject';
  if (method === 'PUT') return isPart ? 'UploadPart' : 'PutObject';
  if (method === 'DELETE') return isPart ? 'AbortMultipartUpload' : 'DeleteObject';
  return isPart ? 'CompleteMultipartUpload' : 'CreateMultipartUpload';
}

function refuse(response: ServerResponse, { status, code, message, more }: S3Refusal): void {
  if (response.headersSent) return void response.destroy();
  const elements = Object.entries({ Code: code, Message: message, ...more, RequestId: randomUUID() });
  const body = elements.map(([name, value]) => `<${name}>${escaped(value)}</${name}>`).join('');
  xml(response, status, `<Error>${body}</Error>`);
}

function xml(response: ServerResponse, status: number, body: string): void {
  response
    .writeHead(status, { 'content-type': 'application/xml' })
    .end(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`);
}

function element(text: string, name: string): string {
  return new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(text)?.[1] ?? '';
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replaceAll(/[&<>"]/g, (char) => entities[char] ?? char);
}
