import { z } from 'zod';
import { isJsonPost, wellFormed, type Contract, type Request } from './contract.ts';

const EVENT_LIMIT_BYTES = 512_000;

const triggerEvent = z.strictObject({
  routing_key: z.string().length(32),
  event_action: z.literal('trigger'),
  dedup_key: z.string().min(1).max(255),
  client: z.string().optional(),
  client_url: z.url().optional(),
  payload: z.strictObject({
    summary: z.string().min(1).max(1_024),
    source: z.string().min(1),
    severity: z.enum(['critical', 'error', 'warning', 'info']),
    timestamp: z.iso.datetime(),
    component: z.string().optional(),
    group: z.string().optional(),
    class: z.string().optional(),
    custom_details: z.record(z.string(), z.unknown()).optional(),
  }),
  links: z.array(z.strictObject({ href: z.url(), text: z.string() })).optional(),
  images: z.array(z.unknown()).optional(),
});

const endEvent = z.strictObject({
  routing_key: z.string().length(32),
  event_action: z.enum(['acknowledge', 'resolve']),
  dedup_key: z.string().min(1).max(255),
});

const event = z.union([triggerEvent, endEvent]);

/** Events API v2 of PagerDuty: https://developer.pagerduty.com/docs/send-alert-event */
export const pagerDuty: Contract = {
  path: /^\/v2\/enqueue$/,
  violation(request) {
    if (!isJsonPost(request) || !event.safeParse(request.json).success) return 'invalid event';
    return Buffer.byteLength(request.body) > EVENT_LIMIT_BYTES ? 'event too large' : wellFormed(request);
  },
  answer: ({ json }) => ({
    status: 202,
    body: JSON.stringify({ status: 'success', message: 'Event processed', dedup_key: event.parse(json).dedup_key }),
  }),
};

const changeEvent = z.strictObject({
  routing_key: z.string().length(32),
  payload: z.strictObject({
    summary: z.string().min(1).max(1_024),
    source: z.string().optional(),
    timestamp: z.iso.datetime().optional(),
    custom_details: z.record(z.string(), z.unknown()).optional(),
  }),
});

/** Change events of PagerDuty, which call nobody: https://developer.pagerduty.com/docs/send-change-event */
export const pagerDutyChange: Contract = {
  path: /^\/v2\/change\/enqueue$/,
  violation: (request) =>
    isJsonPost(request) && changeEvent.safeParse(request.json).success ? wellFormed(request) : 'invalid event',
  answer: () => ({ status: 202, body: JSON.stringify({ status: 'success', message: 'Change event processed' }) }),
};

const ntfyMessage = z.strictObject({
  topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/),
  title: z.string().min(1).max(250),
  message: z.string().min(1),
  priority: z.int().min(1).max(5),
  tags: z.array(z.string().regex(/^[\w+-]+$/)).max(5),
  click: z.url().optional(),
  actions: z
    .array(z.strictObject({ action: z.literal('view'), label: z.string().min(1), url: z.url() }))
    .max(3)
    .optional(),
});

/** What a longer message is turned into an attachment by: https://docs.ntfy.sh/publish/ */
const NTFY_LIMIT_BYTES = 4_096;

/** A server of ntfy, which takes JSON at its root only: https://docs.ntfy.sh/publish/#publish-as-json */
export const ntfy: Contract = {
  path: /^\/$/,
  violation(request) {
    const { data } = ntfyMessage.safeParse(request.json);
    if (!isJsonPost(request) || data === undefined) return 'invalid request';
    return Buffer.byteLength(data.message) > NTFY_LIMIT_BYTES ? 'message becomes an attachment' : wellFormed(request);
  },
  answer: () => ({ status: 200, body: JSON.stringify({ id: 'ntfy1', event: 'message' }) }),
};

const alerts = z
  .array(
    z
      .strictObject({
        labels: z
          .record(z.string().regex(/^[a-zA-Z_]\w*$/), z.string())
          .refine((labels) => (labels['alertname'] ?? '') !== ''),
        annotations: z.record(z.string().regex(/^[a-zA-Z_]\w*$/), z.string()),
        startsAt: z.iso.datetime(),
        endsAt: z.iso.datetime(),
        generatorURL: z.string().optional(),
      })
      .refine(({ startsAt, endsAt }) => Date.parse(startsAt) <= Date.parse(endsAt), 'endsAt before startsAt'),
  )
  .min(1);

/** The API v2 of Alertmanager: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml */
export const alertmanager: Contract = {
  path: /^(?:\/\w+)?\/api\/v2\/alerts$/,
  violation: (request) =>
    isJsonPost(request) && alerts.safeParse(request.json).success ? wellFormed(request) : 'bad_data',
  answer: () => ({ status: 200, body: '' }),
};

const notification = z.strictObject({
  title: z.string().min(1),
  body: z.string().min(1),
  type: z.enum(['info', 'success', 'warning', 'failure']),
  format: z.enum(['text', 'markdown', 'html']),
  tag: z.string().min(1).optional(),
});

/** The API of Apprise: https://github.com/caronc/apprise-api */
export const apprise: Contract = {
  path: /^\/notify\/[\w-]{1,128}$/,
  violation: (request: Request) =>
    isJsonPost(request) && notification.safeParse(request.json).success ? wellFormed(request) : 'Bad FORM Payload',
  answer: () => ({ status: 200, body: 'ok' }),
};
