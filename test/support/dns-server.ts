import { createSocket } from 'node:dgram';

interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:5353`. */
  readonly address: string;
}

/** A name server that knows one name with its IPv4 addresses, and of every other name says that there is none. */
export async function serveNames(known: Readonly<Record<string, readonly string[]>>): Promise<DnsServer> {
  const server = createSocket('udp4');
  server.on('message', (query, { port, address }) => {
    const name = nameIn(query);
    const addresses = known[name];
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(addresses === undefined ? 0x81_83 : 0x81_80, 2);
    header.writeUInt16BE(addresses?.length ?? 0, 6);
    header.writeUInt16BE(0, 8);
    header.writeUInt16BE(0, 10);
    const question = query.subarray(12, 12 + name.length + 2 + 4);
    server.send(Buffer.concat([header, question, ...(addresses ?? []).map(record)]), port, address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    [Symbol.asyncDispose]: async () => {
      await new Promise<void>((resolve) => server.close(resolve));
    },
  };
}

/** @see https://www.rfc-editor.org/rfc/rfc1035#section-4.1 */
function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12, length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return labels.join('.').toLowerCase();
}

/** Points back to the name of the question. */
function record(address: string): Buffer {
  return Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]);
}
