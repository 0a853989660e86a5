import type { Socket } from 'node:net';

/** How a server is asked to go on in TLS: `tls` begins with it, the others talk first. */
export const TLS_PROTOCOLS = ['tls', 'postgres', 'smtp', 'imap'] as const;
export type TlsProtocol = (typeof TLS_PROTOCOLS)[number];

/**
 * Asks for TLS over a connection that stands, in the way of the protocol; nobody logs in.
 * @returns false when the server says that it has none
 * @throws Error when it answers in no way of that protocol, or breaks off
 */
export async function askForTls(socket: Socket, protocol: TlsProtocol): Promise<boolean> {
  if (protocol === 'tls') return true;
  if (protocol === 'postgres') return askPostgres(socket);
  return protocol === 'smtp' ? askSmtp(socket) : askImap(socket);
}

/** Length 8, then the number that stands for "may we speak TLS?". */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL */
async function askPostgres(socket: Socket): Promise<boolean> {
  socket.write(SSL_REQUEST);
  // One byte and no more: what follows belongs to the handshake.
  const letter = (await read(socket, 1)).toString('latin1');
  if (letter === 'S') return true;
  if (letter === 'N') return false;
  throw new Error('it does not answer as PostgreSQL does');
}

/** @see https://www.rfc-editor.org/rfc/rfc3207 */
async function askSmtp(socket: Socket): Promise<boolean> {
  const reply = async (expected: string): Promise<readonly string[]> => {
    const lines = await linesUntil(socket, (line) => !/^\d{3}-/.test(line));
    if (lines.at(-1)?.startsWith(expected) !== true) throw new Error('it does not answer as a mail server does');
    return lines;
  };
  await reply('220');
  socket.write('EHLO maint.invalid\r\n');
  const offers = await reply('250');
  if (!offers.some((line) => /^250[- ]STARTTLS\b/i.test(line))) return false;
  socket.write('STARTTLS\r\n');
  await reply('220');
  return true;
}

/** @see https://www.rfc-editor.org/rfc/rfc9051#name-starttls-command */
async function askImap(socket: Socket): Promise<boolean> {
  const [greeting = ''] = await linesUntil(socket, () => true);
  if (!/^\* (?:OK|PREAUTH)\b/i.test(greeting)) throw new Error('it does not answer as an IMAP server does');
  socket.write('a1 STARTTLS\r\n');
  const answer = (await linesUntil(socket, (line) => line.startsWith('a1 '))).at(-1) ?? '';
  return /^a1 OK\b/i.test(answer);
}

/** A server that never comes to the point must not keep us. */
const MOST_BYTES = 64 * 2 ** 10;

/** Whole lines up to the one that ends the reply. Reads byte by byte: what follows the last belongs to somebody else. */
async function linesUntil(socket: Socket, isLast: (line: string) => boolean): Promise<readonly string[]> {
  const lines: string[] = [];
  let line = '';
  for (let bytes = 0; bytes < MOST_BYTES; bytes += 1) {
    const letter = (await read(socket, 1)).toString('latin1');
    if (letter !== '\n') {
      line += letter;
      continue;
    }
    lines.push(line.replace(/\r$/, ''));
    if (isLast(lines.at(-1) ?? '')) return lines;
    line = '';
  }
  throw new Error('it says more than a reply holds');
}

async function read(socket: Socket, bytes: number): Promise<Buffer> {
  for (;;) {
    const chunk: unknown = socket.read(bytes);
    if (Buffer.isBuffer(chunk)) return chunk;
    await socketEvent(socket, 'readable');
    if (socket.readableEnded) throw new Error('it closed the connection');
  }
}

/** The first event of that name; rejects when the connection fails or ends before. */
export async function socketEvent(socket: Socket, name: 'connect' | 'readable' | 'secureConnect'): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const closed = (): void => reject(socket.errored ?? new Error('it closed the connection'));
  if (socket.destroyed) closed();
  socket.once(name, resolve).once('error', reject).once('close', closed);
  try {
    await promise;
  } finally {
    socket.off(name, resolve).off('close', closed);
  }
}
