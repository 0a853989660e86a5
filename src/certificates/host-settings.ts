import { z } from 'zod';
import type { DatabaseAddress } from '../adapters/postgres.ts';
import { TLS_PROTOCOLS, type TlsProtocol } from '../adapters/start-tls.ts';

const HOST = /^[\w.:-]+$/;
const path = z.string().min(1);

const hostSettings = z.strictObject({
  host: z.string().regex(HOST, 'write a host name or an IP address').describe('Host name or IP address of the server'),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('Its port; 443 where left out, 5432 for PostgreSQL, 587 for SMTP, 143 for IMAP'),
  protocol: z
    .enum(TLS_PROTOCOLS)
    .default('tls')
    .describe(
      'tls for HTTPS and all that begins with TLS, postgres for a PostgreSQL server, smtp and imap for STARTTLS',
    ),
  servername: z
    .string()
    .regex(HOST, 'write a host name')
    .optional()
    .describe('The name to ask for and to find in the certificate, where it is not `host`'),
  address: z
    .string()
    .refine(isAddress, 'write an IP address')
    .meta({ title: 'IP address' })
    .optional()
    .describe('Ask this address alone, not every one that the name has'),
  ca: path.optional().describe('PEM file with authorities to trust beside those of this host'),
  file: path.optional().describe('PEM file on this host that the server should be serving'),
  key: path.optional().describe('PEM file on this host with the private key of that certificate'),
  reload: path.optional().describe('The command that lets the server load its certificate; printed, never run'),
  renew: path.optional().describe('Who renews it, and how; printed with a finding'),
});

/** A server whose certificate is looked at. */
export type Host = z.infer<typeof hostSettings>;

/** Servers; each of them is one step, so no two may have the same title. */
export const hostsSetting = z
  .array(hostSettings)
  .refine((hosts) => new Set(hosts.map(hostTitle)).size === hosts.length, 'the same server is named twice');

/** Is it an IP address, not a name? */
export function isAddress(text: string): boolean {
  return z.ipv4().safeParse(text).success || z.ipv6().safeParse(text).success;
}

const PORTS: Readonly<Record<TlsProtocol, number>> = { tls: 443, postgres: 5_432, smtp: 587, imap: 143 };

/** The port that is asked. */
export function portOf({ port, protocol }: Host): number {
  return port ?? PORTS[protocol];
}

/** `host app.example.com:443`, the same from run to run. */
export function hostTitle(host: Host): string {
  const { host: name, servername, address, protocol } = host;
  const asked = servername === undefined || servername === name ? '' : ` as ${servername}`;
  const where = address === undefined ? '' : ` at ${address}`;
  return `${protocol === 'tls' ? 'host' : protocol} ${bracketed(name)}:${portOf(host)}${asked}${where}`;
}

/** An IPv6 address stands in brackets before a port. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** The server of the configured database; undefined where it is reached over a Unix socket, which has no TLS. */
export function databaseHost({ host, port, rootCertificate }: DatabaseAddress): Host | undefined {
  if (host.startsWith('/')) return undefined;
  // The word stands for the authorities of the system, which are trusted anyway.
  const isFile = rootCertificate !== undefined && rootCertificate !== 'system';
  return { host, port, protocol: 'postgres', ...(isFile && { ca: rootCertificate }) };
}

/** Clients of PostgreSQL, and mail servers that send to each other, take any certificate unless they are told not to. */
export function isVerified({ protocol, port }: { readonly protocol: TlsProtocol; readonly port: number }): boolean {
  return protocol === 'smtp' ? port !== MX_PORT : protocol !== 'postgres';
}

const MX_PORT = 25;
