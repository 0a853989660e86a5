import type { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { MaintError } from '../base/errors.ts';
import { formatDuration } from '../base/units.ts';
import { askForTls, socketEvent, type TlsProtocol } from './start-tls.ts';

/** Whom to shake hands with, and how long one handshake may take. */
export interface TlsRequest {
  /** A name or an IP address. */
  readonly host: string;
  readonly port: number;
  /** The name that is asked for (SNI); an IP address is never sent. */
  readonly servername: string;
  /** How TLS is asked for first, without a login. */
  readonly protocol: TlsProtocol;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What one address answered with. */
export interface Handshake {
  /** Leaf first, each followed by what issued it, as far as the server sent it or this host knows it. */
  readonly chain: readonly X509Certificate[];
  /** Such as `TLSv1.3`. */
  readonly version: string;
}

/**
 * Every address that a host name has; an IP address is its own.
 * @throws MaintError TLS_FAILED when the name has none, or no answer comes in time
 */
export async function addressesOf({ host, timeoutMs, signal }: TlsRequest): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const found = await within({ host, timeoutMs, signal }, async (limit) =>
    Promise.race([lookup(host, { all: true, order: 'ipv4first' }), rejection(limit)]),
  );
  return [...new Set(found.map(({ address }) => address))];
}

/**
 * Shakes hands with one address and looks at what it serves. Trusts nothing and sends nothing: a certificate that nobody
 * should accept is shown like any other.
 * @returns undefined when a server that talks before TLS says that it has none
 * @throws MaintError TLS_FAILED when nobody listens there, no TLS is spoken, or the time is over; its detail is
 *   `tls.no_route` where this host has no way to that kind of address
 */
export async function shakeHands(address: string, request: TlsRequest): Promise<Handshake | undefined> {
  return connected(address, request, async (socket) => {
    const secure = await secured(socket, request, 'TLSv1.3');
    const version = secure.getProtocol() ?? 'unknown';
    const chain = chainOf(secure);
    await goodbye(secure);
    return { chain, version };
  });
}

/** Whether a server takes what RFC 8996 took out of use: the version that it agreed to, or that it took none. */
export type OldVersions = 'TLSv1.1' | 'TLSv1' | 'refused' | 'unknown';

/**
 * Offers one address nothing newer than TLS 1.1.
 * @returns `unknown` where that says nothing: this host cannot offer it, or the connection came to nothing
 */
export async function oldVersionsOf(address: string, request: TlsRequest): Promise<OldVersions> {
  try {
    const version = await connected(address, request, async (socket) => {
      const secure = await secured(socket, request, 'TLSv1.1');
      const agreed = secure.getProtocol();
      await goodbye(secure);
      return agreed;
    });
    return version === 'TLSv1.1' || version === 'TLSv1' ? version : 'unknown';
  } catch (error) {
    request.signal.throwIfAborted();
    if (!(error instanceof MaintError)) throw error;
    return isRefusal(error.cause) ? 'refused' : 'unknown';
  }
}

/** An alert of the server, or its hanging up in the middle; what OpenSSL says of itself is none. */
function isRefusal(cause: unknown): boolean {
  const code = codeOf(cause);
  if (/^ERR_SSL_(?:TLSV1|SSLV3)_ALERT_/.test(code)) return true;
  return code === 'ECONNRESET' || (cause instanceof Error && cause.message === 'it closed the connection');
}

async function connected<T>(
  address: string,
  { port, protocol, timeoutMs, signal }: TlsRequest,
  work: (socket: Socket) => Promise<T>,
): Promise<T | undefined> {
  return within({ host: `${address} port ${port}`, timeoutMs, signal }, async (limit) => {
    const socket = connectTcp({ host: address, port, signal: limit });
    socket.on('error', () => undefined);
    try {
      await socketEvent(socket, 'connect');
      return (await askForTls(socket, protocol)) ? await work(socket) : undefined;
    } finally {
      socket.destroy();
    }
  });
}

async function secured(socket: Socket, { servername }: TlsRequest, maxVersion: SecureVersion): Promise<TLSSocket> {
  const secure = connectTls({
    socket,
    rejectUnauthorized: false,
    ...(isIP(servername) === 0 && { servername }),
    // Weak keys and old versions are what an audit is for.
    ciphers: 'DEFAULT@SECLEVEL=0',
    minVersion: 'TLSv1',
    maxVersion,
  });
  secure.on('error', () => undefined);
  await socketEvent(secure, 'secureConnect');
  return secure;
}

/** A server that sees a clean end writes no error into its log. Resolves too when the server was the first to go. */
async function goodbye(secure: TLSSocket): Promise<void> {
  await new Promise<void>((resolve) => secure.end(() => resolve()));
}

/** A server that sends a loop of issuers must not keep us. */
const LONGEST_CHAIN = 12;

function chainOf(secure: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = secure.getPeerX509Certificate();
  while (next !== undefined && chain.length < LONGEST_CHAIN) {
    const { fingerprint256 } = next;
    if (chain.some((each) => each.fingerprint256 === fingerprint256)) break;
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

function rejection(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  return promise;
}

interface Limits {
  /** Named in the error. */
  readonly host: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

async function within<T>({ host, timeoutMs, signal }: Limits, work: (limit: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await work(AbortSignal.any([signal, timeout]));
  } catch (cause) {
    signal.throwIfAborted();
    const reason = timeout.aborted ? `no answer within ${formatDuration(timeoutMs)}` : reasonOf(cause);
    throw new MaintError('TLS_FAILED', `${host}: ${reason}`, {
      cause,
      ...(NO_ROUTE.has(codeOf(cause)) && { detail: 'tls.no_route' }),
    });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'it broke the connection off',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name server does not answer',
  ENETUNREACH: 'no way to its network',
  EHOSTUNREACH: 'no way to this host',
};

/** What a host without IPv6 meets at an address of that kind. */
const NO_ROUTE: ReadonlySet<string> = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const reason =
    'reason' in error && typeof error.reason === 'string' ? `no TLS is spoken: ${error.reason}` : undefined;
  return REASONS[codeOf(error)] ?? reason ?? error.message;
}
