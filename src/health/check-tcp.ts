import { z } from 'zod';
import { converse } from '../adapters/conversation.ts';
import { defineCheck } from './check.ts';
import { hasOwnNames, OWN_NAMES, reachQuestions, reachSettings, type Reached } from './reach.ts';

const portSettings = z.strictObject({
  host: z.string().min(1).describe('Host name or IP address'),
  port: z.int().min(1).max(65_535).describe('The port that must take connections'),
  ...reachSettings,
});
type PortSettings = z.infer<typeof portSettings>;

function portName({ name, host, port }: Pick<PortSettings, 'name' | 'host' | 'port'>): string {
  return name ?? `${host}:${port}`;
}

/** Ports that must take connections, whatever is spoken there. */
export const tcpCheck = defineCheck({
  id: 'tcp',
  dimension: 'dependencies',
  alertClass: 'ticket',
  impact: 'what needs the service behind this port cannot reach it',
  measures: 'time to a connection, seconds',
  warns: 'slower than `tcp[].warnAfter`',
  fails: 'no connection, twice',
  settings: {
    tcp: z
      .array(portSettings)
      .refine(hasOwnNames(portName), OWN_NAMES)
      .prefault([])
      .describe('Ports that must take connections'),
  },
  questions: ({ tcp }) =>
    reachQuestions(tcp, { word: 'tcp', sample: 'tcp.connect', nameOf: portName, remediation, attempt: connect }),
});

async function connect({ host, port, timeout: timeoutMs }: PortSettings, signal: AbortSignal): Promise<Reached> {
  await converse({ host, port, timeoutMs, signal }, async () => undefined);
  return { note: 'takes connections,' };
}

function remediation({ host, port }: PortSettings): readonly string[] {
  return [
    `nc -vz -w 5 '${host}' ${port}`,
    `On that host: ss -ltn 'sport = :${port}' # does anything listen there, and on this address?`,
    'Then the firewalls between this host and that one.',
  ];
}
