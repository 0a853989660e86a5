import { Resolver } from 'node:dns/promises';
import { MaintError } from '../base/errors.ts';
import { formatDuration } from '../base/units.ts';

/** Kinds of records that can be asked for. */
export const RECORD_TYPES = ['A', 'AAAA', 'CNAME', 'MX', 'TXT'] as const;
type RecordType = (typeof RECORD_TYPES)[number];

/** One question to name servers. */
interface DnsQuestion {
  readonly name: string;
  readonly type: RecordType;
  /** Address of the name server, with its port where it is not 53; those of this host where left out. */
  readonly server?: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Asks name servers, never the hosts file.
 * @returns what they say as text, sorted: addresses, names (of mail servers without their priority), texts
 * @throws MaintError HOST_UNREACHABLE when there is no such record, or no answer in time
 */
export async function lookUp({ name, type, server, timeoutMs, signal }: DnsQuestion): Promise<readonly string[]> {
  signal.throwIfAborted();
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  if (server !== undefined) resolver.setServers([server]);
  const cancel = (): void => resolver.cancel();
  // The resolver asks each server of this host in turn; the limit holds for all of them together.
  const timer = setTimeout(cancel, timeoutMs);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return (await records(resolver, name, type)).toSorted();
  } catch (cause) {
    signal.throwIfAborted();
    throw new MaintError('HOST_UNREACHABLE', `${name}: ${reasonOf(cause, type, timeoutMs)}`, { cause });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
  }
}

async function records(resolver: Resolver, name: string, type: RecordType): Promise<readonly string[]> {
  if (type === 'A') return resolver.resolve4(name);
  if (type === 'AAAA') return resolver.resolve6(name);
  if (type === 'CNAME') return resolver.resolveCname(name);
  if (type === 'MX') return (await resolver.resolveMx(name)).map(({ exchange }) => exchange);
  return (await resolver.resolveTxt(name)).map((parts) => parts.join(''));
}

function reasonOf(error: unknown, type: RecordType, timeoutMs: number): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'ENOTFOUND') return 'the name is not known';
  if (code === 'ENODATA') return `the name has no record of type ${type}`;
  if (code === 'ETIMEOUT' || code === 'ECANCELLED')
    return `no name server answered within ${formatDuration(timeoutMs)}`;
  if (code === 'ECONNREFUSED') return 'the name server refused the connection';
  return `the name server answered with ${code || String(error)}`;
}
