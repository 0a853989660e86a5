import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { MaintError } from '../base/errors.ts';
import { formatDuration } from '../base/units.ts';

/** Whom to talk to, and how long all of it may take. */
export interface Contact {
  /** A name or an IP address. */
  readonly host: string;
  readonly port: number;
  /** Begin with TLS; the certificate must be right for the host. */
  readonly tls?: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A talk over one connection, a line at a time. */
export interface Conversation {
  /** The next line without its end. Rejects when the other side hangs up, or says more than 64 kB without an end. */
  readLine(): Promise<string>;
  say(text: string): void;
  /** Goes on in TLS. Whether the certificate is right is not looked at: nothing secret is said. */
  startTls(): Promise<void>;
}

const LINE_LIMIT_BYTES = 64 * 2 ** 10;

/**
 * Connects, talks, and hangs up.
 * @throws MaintError HOST_UNREACHABLE when there is no connection or no whole answer in time; what `talk` throws as it is
 */
export async function converse<T>(contact: Contact, talk: (conversation: Conversation) => Promise<T>): Promise<T> {
  const { host, port, timeoutMs, signal } = contact;
  signal.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  const limit = AbortSignal.any([signal, timeout]);
  const line = new Line();
  const abort = (): void => line.abort();
  limit.addEventListener('abort', abort, { once: true });
  try {
    await line.open(contact);
    return await talk(line);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof MaintError) throw cause;
    const reason = timeout.aborted ? `no answer within ${formatDuration(timeoutMs)}` : reasonOf(cause);
    throw new MaintError('HOST_UNREACHABLE', `${host} port ${port}: ${reason}`, { cause });
  } finally {
    limit.removeEventListener('abort', abort);
    line.hangUp();
  }
}

class Line implements Conversation {
  #socket: Socket | undefined;
  #heard = '';
  #ended: Error | undefined;
  #wake: () => void = () => undefined;

  async open({ host, port, tls = false }: Contact): Promise<void> {
    const socket = tls
      ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) })
      : connectTcp({ host, port });
    await this.#take(socket, tls ? 'secureConnect' : 'connect');
  }

  async startTls(): Promise<void> {
    const plain = this.#socket;
    if (plain === undefined) throw new Error('there is no connection');
    plain.removeAllListeners('data');
    plain.pause();
    await this.#take(connectTls({ socket: plain, rejectUnauthorized: false }), 'secureConnect');
  }

  say(text: string): void {
    this.#socket?.write(text);
  }

  async readLine(): Promise<string> {
    for (;;) {
      const end = this.#heard.indexOf('\n');
      if (end >= 0) {
        const line = this.#heard.slice(0, end).replace(/\r$/, '');
        this.#heard = this.#heard.slice(end + 1);
        return line;
      }
      if (this.#ended !== undefined) throw this.#ended;
      if (this.#heard.length > LINE_LIMIT_BYTES) throw new Error('it says more than a line holds');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Breaks off, whatever is still under way. */
  abort(): void {
    this.#end(new Error('aborted'));
    this.#socket?.destroy();
  }

  /** Hangs up once what was said is on its way; nobody waits for that. */
  hangUp(): void {
    this.#end(new Error('the talk is over'));
    this.#socket?.unref().destroySoon();
  }

  #end(reason: Error): void {
    this.#ended ??= reason;
    this.#wake();
  }

  async #take(socket: Socket, ready: 'connect' | 'secureConnect'): Promise<void> {
    this.#socket = socket;
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('it closed the connection')));
    socket.once(ready, () => this.#wake());
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (this.#ended !== undefined) throw this.#ended;
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.#heard += text;
      this.#wake();
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

/** A name with several addresses fails with one error for each; the first speaks for all. */
function reasonOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error && 'code' in first && typeof first.code === 'string' ? first.code : '';
  return REASONS[code] ?? (first instanceof Error ? first.message : String(first));
}
