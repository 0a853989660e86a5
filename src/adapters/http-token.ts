import { Secret } from '../base/secret.ts';
import { http, type HttpAnswer } from './http.ts';

/** What stands for the token in an address, a body or a query. */
export const TOKEN = '{token}';

/** A request that carries a token of its own, so that what comes of it can be found. */
interface TokenRequest {
  readonly method: 'GET' | 'POST';
  /** May have `{token}` in it. */
  readonly url: Secret;
  readonly headers: Readonly<Record<string, Secret>>;
  /** May have `{token}` in it. */
  readonly body: string | undefined;
  readonly token: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Is there a place for a token in this address? */
export function takesToken(url: Secret): boolean {
  return url.reveal().includes(TOKEN);
}

/**
 * Sends a request with its token filled in, once.
 * @throws MaintError as `Http.send`
 */
export async function sendToken({ url, headers, body, token, ...request }: TokenRequest): Promise<HttpAnswer> {
  return http.send({
    ...request,
    url: new Secret(url.reveal().replaceAll(TOKEN, encodeURIComponent(token))),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()])),
    ...(body !== undefined && { body: body.replaceAll(TOKEN, token) }),
  });
}
