import { z } from 'zod';
import { lookUp, RECORD_TYPES } from '../adapters/dns.ts';
import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { defineCheck } from './check.ts';
import { hasOwnNames, OWN_NAMES, reachQuestions, reachSettings, type Reached } from './reach.ts';

const nameSettings = z.strictObject({
  host: z.string().min(1).describe('The name to look up'),
  type: z.enum(RECORD_TYPES).default('A').describe('The kind of record'),
  expect: z
    .array(z.string().min(1))
    .default([])
    .describe('What the answer must consist of, in any order; any answer will do where left out'),
  server: z
    .string()
    .regex(/^[\d.]+(:\d+)?$|^[\da-f:]+$|^\[[\da-f:]+\](:\d+)?$/i, 'write the address of a name server')
    .optional()
    .describe('The name server to ask; those of this host where left out'),
  ...reachSettings,
});
type NameSettings = z.infer<typeof nameSettings>;

function dnsName({ name, host, type }: Pick<NameSettings, 'name' | 'host' | 'type'>): string {
  return name ?? (type === 'A' ? host : `${host} ${type}`);
}

/** Names that name servers must know, and what they must say of them. */
export const dnsCheck = defineCheck({
  id: 'dns',
  dimension: 'dependencies',
  alertClass: 'ticket',
  impact: 'whoever goes by this name reaches nobody, or somebody else',
  measures: 'time to the answer of a name server, seconds',
  warns: 'slower than `dns[].warnAfter`',
  fails: 'no such record, another one than expected, or no answer, twice',
  settings: {
    dns: z
      .array(nameSettings)
      .refine(hasOwnNames(dnsName), OWN_NAMES)
      .prefault([])
      .describe('Names that name servers must know'),
  },
  questions: ({ dns }) =>
    reachQuestions(dns, { word: 'dns', sample: 'dns.answer', nameOf: dnsName, remediation, attempt: ask }),
});

async function ask({ host, type, expect, server, timeout }: NameSettings, signal: AbortSignal): Promise<Reached> {
  const answer = await lookUp({ name: host, type, server, timeoutMs: timeout, signal });
  const shown = printable(answer.join(', '));
  const [got, wanted] = [answer, expect].map((values) => new Set(values.map(comparable)));
  if (expect.length > 0 && got?.symmetricDifference(wanted ?? new Set()).size !== 0)
    throw new MaintError('HOST_UNREACHABLE', `${host} is ${shown}, expected ${expect.join(', ')}`);
  return { note: shown, facts: { answer } };
}

/** Names are the same in any case, with and without the dot at their end. */
function comparable(value: string): string {
  return value.toLowerCase().replace(/\.$/, '');
}

function remediation({ host, type, server }: NameSettings): readonly string[] {
  return [
    `dig ${server === undefined ? '' : `@${server} `}'${host}' ${type}`,
    `dig +trace '${host}' ${type} # from the root on: where does it end?`,
    'Was the zone changed, or did the domain expire? whois tells until when it is paid for.',
  ];
}
