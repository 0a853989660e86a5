import { z } from 'zod';
import { converse, type Conversation } from '../adapters/conversation.ts';
import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { defineCheck } from './check.ts';
import { hasOwnNames, OWN_NAMES, reachQuestions, reachSettings, type Reached } from './reach.ts';

const smtpSettings = z.strictObject({
  host: z.string().min(1).describe('The mail server that the application hands its mail to'),
  port: z.int().min(1).max(65_535).default(587).describe('Its port'),
  startTls: z.boolean().default(true).describe('Whether it must offer TLS after the greeting, and manage it'),
  ...reachSettings,
});
type SmtpSettings = z.infer<typeof smtpSettings>;

function smtpName({ name, host, port }: Pick<SmtpSettings, 'name' | 'host' | 'port'>): string {
  return name ?? `${host}:${port}`;
}

/** Mail servers: they greet, and where it is expected they go on in TLS. Nothing is sent. */
export const smtpCheck = defineCheck({
  id: 'smtp',
  dimension: 'dependencies',
  alertClass: 'ticket',
  impact: 'mails of the application, and alerts by mail, are not sent',
  measures: 'time from connecting to the end of the handshake, seconds',
  warns: 'slower than `smtp[].warnAfter`',
  fails: 'no greeting, or no STARTTLS where it is expected, twice',
  settings: {
    smtp: z
      .array(smtpSettings)
      .refine(hasOwnNames(smtpName), OWN_NAMES)
      .prefault([])
      .describe('Mail servers that must take mail'),
  },
  questions: ({ smtp }) =>
    reachQuestions(smtp, { word: 'smtp', sample: 'smtp.greeting', nameOf: smtpName, remediation, attempt: greet }),
});

/** @see https://www.rfc-editor.org/rfc/rfc5321 and rfc3207 */
async function greet(
  { host, port, startTls, timeout: timeoutMs }: SmtpSettings,
  signal: AbortSignal,
): Promise<Reached> {
  return converse({ host, port, timeoutMs, signal }, async (server) => {
    await expectReply(server, 'the connection', 220);
    server.say('EHLO maint.invalid\r\n');
    const offers = await expectReply(server, 'EHLO', 250);
    if (startTls) await goSecure(server, offers);
    server.say('QUIT\r\n');
    return { note: startTls ? 'greets, and speaks TLS,' : 'greets', facts: { startTls } };
  });
}

async function goSecure(server: Conversation, offers: readonly string[]): Promise<void> {
  if (!offers.some((line) => /^250[- ]STARTTLS\b/i.test(line)))
    throw new MaintError('HOST_UNREACHABLE', 'greets, but does not offer STARTTLS');
  server.say('STARTTLS\r\n');
  await expectReply(server, 'STARTTLS', 220);
  await server.startTls();
}

/** A reply of several lines has a hyphen after the number of all but the last. */
async function expectReply(server: Conversation, to: string, expected: number): Promise<readonly string[]> {
  const lines: string[] = [];
  do lines.push(await server.readLine());
  while (/^\d{3}-/.test(lines.at(-1) ?? '') && lines.length < MOST_LINES);
  const last = lines.at(-1) ?? '';
  if (last.startsWith(String(expected))) return lines;
  throw new MaintError('HOST_UNREACHABLE', `answered ${to} with ${printable(last.slice(0, 100))}`);
}

/** A server that never comes to the point must not keep us. */
const MOST_LINES = 100;

function remediation({ host, port, startTls }: SmtpSettings): readonly string[] {
  return [
    startTls
      ? `openssl s_client -connect '${host}:${port}' -starttls smtp -brief </dev/null`
      : `nc -v -w 5 '${host}' ${port} # it greets with 220`,
    'Mail that waits meanwhile: mailq, or the queue of the application.',
    'Ask whoever runs the mail server; many networks close port 25 to the outside.',
  ];
}
