import type { Secret } from '../base/secret.ts';

/** Whom an address talks to, without anything secret. */
interface HttpsAddress {
  readonly host: string;
  readonly port: number;
}

/** @returns undefined where the text is no address that begins with https:// */
export function httpsAddress(address: Secret): HttpsAddress | undefined {
  const url = URL.parse(address.reveal());
  if (url === null || url.protocol !== 'https:') return undefined;
  return { host: url.hostname.replaceAll(/^\[|\]$/g, ''), port: Number(url.port || 443) };
}
