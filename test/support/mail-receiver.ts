import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { openWorkshop, type Workshop } from './certificates.ts';

/** One letter as it arrived. */
interface ReceivedLetter {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly messageId: string;
  readonly references: string | undefined;
  readonly text: string;
  /** The whole of it as it came over the line. */
  readonly raw: string;
  /** Was the connection encrypted, and who had logged in? */
  readonly isEncrypted: boolean;
  readonly user: string | undefined;
}

/** How the server answers the next letter, instead of taking it. */
interface Refusal {
  readonly code: number;
  readonly text: string;
}

/** A real SMTP server on 127.0.0.1 that offers STARTTLS with a certificate of its own, and knows one user. */
export interface MailReceiver extends AsyncDisposable {
  readonly port: number;
  /** `smtp://user:password@localhost:port` */
  readonly url: string;
  readonly password: string;
  /** The authority that its certificate was signed by. */
  readonly authorityFile: string;
  readonly letters: readonly ReceivedLetter[];
  /** Refuses the next letters, in order. */
  next(...refusals: readonly Refusal[]): void;
  /** Refuses this recipient. */
  refuseRecipient(address: string): void;
}

/** Takes a letter, or says why not. */
type Take = (
  ...about: Parameters<SMTPServer['onData']> extends [infer Stream, infer Session, unknown] ? [Stream, Session] : never
) => Promise<Error | undefined>;

interface MailReceiverRequest {
  readonly withoutTls?: boolean;
  readonly withoutLogin?: boolean;
}

const USER = 'ops@example.com';
const PASSWORD = 'mailPasswordIsASecret';

/** Starts the server on a free port. */
export async function startMailReceiver(request: MailReceiverRequest = {}): Promise<MailReceiver> {
  const workshop = openWorkshop();
  const authority = workshop.make({ name: 'maint test authority', isAuthority: true });
  const own = workshop.make({ name: 'localhost', names: 'DNS:localhost', by: authority });
  const letters: ReceivedLetter[] = [];
  const refusals: Refusal[] = [];
  const strangers = new Set<string>();
  const take: Take = async (stream, { envelope, secure, user }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(Buffer.from(chunk));
    const refusal = refusals.shift();
    if (refusal !== undefined) return Object.assign(new Error(refusal.text), { responseCode: refusal.code });
    const raw = Buffer.concat(chunks).toString('utf8');
    const to = envelope.rcptTo.map(({ address }) => address);
    const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
    const { subject = '', messageId = '', references, text = '' } = await PostalMime.parse(raw);
    letters.push({ from, to, subject, messageId, references, text, raw, isEncrypted: secure, user: user?.toString() });
    return undefined;
  };
  const disabled = [...(request.withoutTls ? ['STARTTLS'] : []), ...(request.withoutLogin ? ['AUTH'] : [])];
  const server = new SMTPServer({
    logger: false,
    key: own.key,
    cert: own.pem,
    disabledCommands: disabled,
    authOptional: true,
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _, callback) =>
      username === USER && password === PASSWORD
        ? callback(null, { user: username })
        : callback(Object.assign(new Error('authentication failed'), { responseCode: 535 })),
    onRcptTo: ({ address }, _, callback) =>
      callback(strangers.has(address) ? Object.assign(new Error('no such user'), { responseCode: 550 }) : null),
    onData: (stream, session, callback) => void answer(take(stream, session), callback),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    url: `smtp://${encodeURIComponent(USER)}:${PASSWORD}@localhost:${port}`,
    password: PASSWORD,
    authorityFile: authority.certificateFile,
    letters,
    next: (...more) => void refusals.push(...more),
    refuseRecipient: (stranger) => void strangers.add(stranger),
    [Symbol.asyncDispose]: async () => close(server, workshop),
  };
}

async function answer(taking: Promise<Error | undefined>, callback: (error: Error | null) => void): Promise<void> {
  callback((await taking) ?? null);
}

async function close(server: SMTPServer, workshop: Workshop): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
  workshop[Symbol.dispose]();
}
