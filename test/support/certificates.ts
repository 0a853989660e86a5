import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type SecureVersion } from 'node:tls';
import { DAY_MS } from '../../src/base/units.ts';

/** A certificate made by the openssl program, with its key. */
export interface Made {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly pem: string;
  readonly key: string;
  readonly x509: X509Certificate;
}

interface Order {
  /** Common name. */
  readonly name: string;
  /** Lifetime from now on. */
  readonly days?: number;
  /** As openssl writes them: `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
  /** Signed with its own key where left out. */
  readonly by?: Made;
  readonly isAuthority?: boolean;
  readonly key?: readonly string[];
  readonly digest?: string;
}

/** A folder in which certificates are made; removed when disposed. */
export interface Workshop extends Disposable {
  readonly folder: string;
  make(order: Order): Made;
  /** Writes certificates one below the other. @returns the path */
  bundle(name: string, ...certificates: readonly Made[]): string;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
/** Too small to be safe. */
export const SMALL_RSA = ['-newkey', 'rsa:1024'];

/** Opens a workshop for certificates. */
export function openWorkshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'maint-certificates-'));
  let count = 0;
  return {
    folder,
    make: (order) => make(join(folder, String((count += 1))), order),
    bundle(name, ...certificates) {
      const path = join(folder, name);
      writeFileSync(path, certificates.map(({ pem }) => pem).join(''));
      return path;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function make(stem: string, { name, days = 90, names, by, isAuthority = false, ...looks }: Order): Made {
  const [keyFile, request, extensions, certificateFile] = [`${stem}.key`, `${stem}.csr`, `${stem}.ext`, `${stem}.crt`];
  const lines = [
    `basicConstraints=CA:${isAuthority ? 'TRUE' : 'FALSE'}`,
    ...(names ? [`subjectAltName=${names}`] : []),
  ];
  writeFileSync(extensions, `${lines.join('\n')}\n`);
  const signer = by === undefined ? ['-signkey', keyFile] : ['-CA', by.certificateFile, '-CAkey', by.keyFile];
  openssl('req', '-new', ...(looks.key ?? EC), '-nodes', '-keyout', keyFile, '-out', request, '-subj', `/CN=${name}`);
  const digest = `-${looks.digest ?? 'sha256'}`;
  const serial = String(Math.ceil(Math.random() * 1e15));
  const certified = ['-out', certificateFile, '-days', String(days), '-extfile', extensions, '-set_serial', serial];
  openssl('x509', '-req', '-in', request, digest, ...certified, ...signer);
  const pem = readFileSync(certificateFile, 'utf8');
  return { certificateFile, keyFile, pem, key: readFileSync(keyFile, 'utf8'), x509: new X509Certificate(pem) };
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

/** The instant at which a certificate has so many days left. */
export function daysBeforeEnd({ x509 }: Made, days: number): Date {
  return new Date(x509.validToDate.getTime() - days * DAY_MS);
}

/** A running TLS server. */
export interface TlsServer extends AsyncDisposable {
  readonly port: number;
  /** The names that clients asked for. */
  readonly asked: readonly string[];
}

/** Serves a leaf, and whatever else is sent after it, at 127.0.0.1. */
export async function serve(leaf: Made, ...others: readonly Made[]): Promise<TlsServer> {
  return serveFrom('TLSv1.2', leaf, ...others);
}

/** The same, with the oldest version of TLS that it takes. */
export async function serveFrom(minVersion: SecureVersion, leaf: Made, ...others: readonly Made[]): Promise<TlsServer> {
  const asked: string[] = [];
  const server = createServer(
    {
      cert: [leaf, ...others].map(({ pem }) => pem).join(''),
      key: leaf.key,
      ciphers: 'DEFAULT@SECLEVEL=0',
      minVersion,
      SNICallback: (name, answer) => {
        asked.push(name);
        answer(null);
      },
    },
    (socket) => void socket.on('error', () => undefined),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server.address()),
    asked,
    [Symbol.asyncDispose]: async () => void (await new Promise((resolve) => server.close(resolve))),
  };
}

/** The port of a listening server. */
export function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server does not listen at a port');
  return address.port;
}
