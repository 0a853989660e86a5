import { readFile } from 'node:fs/promises';
import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { Secret } from '../base/secret.ts';
import { decodedPart } from '../base/url-part.ts';

/** One letter as plain text. */
export interface Letter {
  /** `maint <maint@db1.example.com>` */
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** Without angle brackets; the same over retries, so that a mailbox can tell a repetition. */
  readonly messageId: string;
  /** Ids that put letters about one thing into one thread. */
  readonly references: readonly string[];
}

/** The server that takes letters. */
export interface MailServer {
  /** `smtp://user:password@host:587`, or `smtps://` for TLS from the first byte. */
  readonly url: Secret;
  /** `required` sends nothing before STARTTLS with a certificate that holds; `none` never encrypts `smtp://`. */
  readonly tls: 'required' | 'none';
  /** PEM file of the authority that signed the server's certificate; those that Node knows where undefined. */
  readonly authorityFile: string | undefined;
}

/** A letter, where to, and for how long to try. */
interface MailRequest {
  readonly server: MailServer;
  readonly letter: Letter;
  /** Limit for the whole exchange. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What the server said. */
export interface MailAnswer {
  /** It took the letter for at least one recipient. */
  readonly ok: boolean;
  /** Reply code of SMTP: 250 is good, 4xx may pass, 5xx stays. */
  readonly code: number;
  /** `mail.example.com:587` */
  readonly host: string;
  /** Its own words, on one line, at most 200 characters. */
  readonly response: string;
  readonly latencyMs: number;
  /** Recipients that it refused although it took the letter for others. */
  readonly refused: readonly string[];
}

/** The way out to mail servers. */
export interface Mail {
  /**
   * Sends one letter, once, over a connection of its own.
   * @returns the answer, also when its code means failure
   * @throws MaintError MAIL_FAILED (no answer, no encryption), CONFIG_INVALID (no usable address), CANCELLED
   * @see https://www.rfc-editor.org/rfc/rfc5321
   */
  send(request: MailRequest): Promise<MailAnswer>;
}

const RESPONSE_LIMIT = 200;

/** The real way out, by SMTP. */
export const mail: Mail = { send };

/** Can this secret be the address of a mail server? */
export function isMailUrl(url: Secret): boolean {
  return parsed(url) !== undefined;
}

async function send(request: MailRequest): Promise<MailAnswer> {
  const address = parsed(request.server.url);
  // No cause: the parser's own error repeats the whole address.
  if (address === undefined) throw new MaintError('CONFIG_INVALID', 'the address is not an smtp:// or smtps:// URL');
  const isSecure = address.protocol === 'smtps:';
  const host = `${address.hostname}:${address.port === '' ? (isSecure ? 465 : 587) : address.port}`;
  const timeout = AbortSignal.timeout(request.timeoutMs);
  const startedAt = performance.now();
  // Loaded here, because most configurations send no mail.
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    host: address.hostname.replaceAll(/^\[|\]$/g, ''),
    port: Number(host.slice(host.lastIndexOf(':') + 1)),
    secure: isSecure,
    ...(request.server.tls === 'required' ? { requireTLS: true } : { ignoreTLS: true }),
    ...(address.username !== '' && {
      auth: { user: decodedPart(address.username), pass: decodedPart(address.password) },
    }),
    tls: await tlsOf(request.server),
    connectionTimeout: request.timeoutMs,
    greetingTimeout: request.timeoutMs,
    socketTimeout: request.timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const { letter } = request;
    const info = await transport.sendMail({
      from: letter.from,
      to: [...letter.to],
      subject: letter.subject,
      text: letter.text,
      messageId: `<${letter.messageId}>`,
      references: letter.references.map((id) => `<${id}>`),
      // Keeps out-of-office replies away: RFC 3834.
      headers: { 'auto-submitted': 'auto-generated', 'x-mailer': 'maint' },
      signal: AbortSignal.any([timeout, request.signal]),
    });
    const response = info.response ?? '';
    return answer({ ok: true, code: 250, host, response, startedAt, refused: info.rejected ?? [] });
  } catch (error) {
    return refusal(error, { host, timeout, request, startedAt });
  } finally {
    transport.close();
  }
}

async function tlsOf({ authorityFile }: MailServer): Promise<{ readonly ca?: string }> {
  if (authorityFile === undefined) return {};
  try {
    return { ca: await readFile(authorityFile, 'utf8') };
  } catch (error) {
    throw new MaintError('CONFIG_INVALID', `the file ${authorityFile} cannot be read`, { cause: error });
  }
}

function answer(about: Omit<MailAnswer, 'latencyMs' | 'response'> & Answered): MailAnswer {
  const { response, startedAt, ...rest } = about;
  return { ...rest, response: printable(response).slice(0, RESPONSE_LIMIT), latencyMs: performance.now() - startedAt };
}

interface Answered {
  readonly response: string;
  readonly startedAt: number;
}

interface Attempt {
  readonly host: string;
  readonly timeout: AbortSignal;
  readonly request: MailRequest;
  readonly startedAt: number;
}

/** A server that says no has answered; everything else is no answer. */
function refusal(error: unknown, { host, timeout, request, startedAt }: Attempt): MailAnswer {
  if (!(error instanceof Error)) throw error;
  if (request.signal.aborted) throw new MaintError('CANCELLED', `the letter to ${host} was stopped`);
  if (timeout.aborted) throw new MaintError('MAIL_FAILED', `${host} did not answer within ${request.timeoutMs} ms`);
  const code = 'responseCode' in error && typeof error.responseCode === 'number' ? error.responseCode : 0;
  const response = 'response' in error && typeof error.response === 'string' ? error.response : '';
  const reason = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  if (code >= 400 && reason !== 'ETLS') return answer({ ok: false, code, host, response, startedAt, refused: [] });
  // Not the message: it may repeat what was sent.
  throw new MaintError('MAIL_FAILED', `${host} took no letter (${REASONS[reason] ?? reason})`, { cause: error });
}

const REASONS: Readonly<Record<string, string>> = {
  ETLS: 'it offers no TLS, or its certificate does not hold',
  ESOCKET: 'no connection, or its certificate does not hold',
  EAUTH: 'it does not take this login',
  ETIMEDOUT: 'it did not answer in time',
  EDNS: 'its name is not known',
};

function parsed(url: Secret): URL | undefined {
  const address = URL.parse(url.reveal());
  if (address === null || !/^smtps?:$/.test(address.protocol) || address.hostname === '') return undefined;
  return address;
}
