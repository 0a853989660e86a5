import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { TLSSocket } from 'node:tls';
import type { Made } from './certificates.ts';

/** Answers a line that came; undefined says nothing, `hang up` ends the connection, `tls` goes on in TLS. */
type Answer = (line: string) => string | undefined;

interface LineServer extends AsyncDisposable {
  readonly port: number;
  /** Every line that came, over all connections. */
  readonly heard: readonly string[];
}

interface Manners {
  readonly greeting?: string;
  readonly answer: Answer;
  /** For `tls`. */
  readonly certificate?: Made;
}

/** A server of lines on a free port of 127.0.0.1. */
export async function serveLines({ greeting, answer, certificate }: Manners): Promise<LineServer> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const listen = (socket: Socket): void => {
    const lines = createInterface({ input: socket });
    // It repeats what the connection says when a handshake comes to nothing.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      heard.push(line);
      const said = answer(line);
      if (said === 'hang up') socket.destroy();
      else if (said !== undefined) socket.write(said.replaceAll('\n', '\r\n'));
      if (!said?.includes('go ahead') || certificate === undefined) return;
      lines.close();
      socket.removeAllListeners('data');
      const secure = new TLSSocket(socket, { isServer: true, cert: certificate.pem, key: certificate.key });
      secure.on('error', () => undefined);
      listen(secure);
    });
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (greeting !== undefined) socket.write(`${greeting}\r\n`);
    listen(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server.address()),
    heard,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}
