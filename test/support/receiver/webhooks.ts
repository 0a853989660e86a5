import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { isJsonPost, isObject, wellFormed, type Contract, type Request } from './contract.ts';

const TOLERANCE_SECONDS = 5 * 60;

/**
 * An endpoint of Standard Webhooks that knows this key:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function standardWebhooks(signingKey: string): Contract {
  return {
    path: /^\/hook/,
    violation: (request) => signatureViolation(request, signingKey) ?? bodyViolation(request),
    answer: () => ({ status: 200, body: 'ok' }),
  };
}

function signatureViolation(request: Request, signingKey: string): string | undefined {
  const { headers, body } = request;
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures = '' } = headers;
  if (!isJsonPost(request)) return 'no_json';
  if (!/^[\w-]+$/.test(id) || !/^\d+$/.test(timestamp)) return 'bad_headers';
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) return 'too_old';
  const key = Buffer.from(signingKey.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  const isSigned = signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  return isSigned ? undefined : 'bad_signature';
}

function bodyViolation(request: Request): string | undefined {
  const { body, json } = request;
  if (!isObject(json)) return 'no_json';
  if (Buffer.byteLength(body) >= 20_000) return 'too_long';
  const isKnown = /^maint\.alert\.(?:firing|resolved|test)$/.test(String(json['type']));
  if (!isKnown || Number.isNaN(Date.parse(String(json['timestamp']))) || !isObject(json['data'])) return 'bad_body';
  return wellFormed(request);
}

const strings = z.record(z.string(), z.string());

const alertGroup = z.strictObject({
  version: z.literal('4'),
  groupKey: z.string().min(1),
  truncatedAlerts: z.int().min(0),
  status: z.enum(['firing', 'resolved']),
  receiver: z.string().min(1),
  groupLabels: strings,
  commonLabels: strings,
  commonAnnotations: strings,
  externalURL: z.string(),
  notification_reason: z.string().optional(),
  alerts: z
    .array(
      z
        .strictObject({
          status: z.enum(['firing', 'resolved']),
          labels: strings.refine(({ alertname }) => alertname !== undefined),
          annotations: strings,
          startsAt: z.iso.datetime(),
          endsAt: z.iso.datetime(),
          generatorURL: z.string(),
          fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
        })
        .refine(({ status, endsAt }) => (status === 'firing') === (endsAt === '0001-01-01T00:00:00Z')),
    )
    .min(1),
});

/** What Alertmanager sends to its receivers: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
export const alertmanagerWebhook: Contract = {
  path: /^\/alertmanager-hook/,
  violation: (request) =>
    isJsonPost(request) && alertGroup.safeParse(request.json).success ? wellFormed(request) : 'no_alert_group',
  answer: () => ({ status: 200, body: '' }),
};
