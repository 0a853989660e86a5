import { z } from 'zod';
import { isHttpUrl } from '../adapters/http.ts';
import { secretSetting } from '../adapters/secret-setting.ts';
import { isSigningKey } from '../adapters/webhook-signature.ts';
import { durationSetting } from '../base/settings.ts';
import { checkRules, repeatSetting, routeSettings, windowSettings } from './route-settings.ts';

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and hyphens, at most 40')
  .describe('What reports and `maint alerts test` call this channel; different for each one');

const url = secretSetting
  .refine(isHttpUrl, 'must be an http:// or https:// URL')
  .describe('Where messages are posted to; treated as a secret');

const slack = z.strictObject({
  name,
  type: z.literal('slack').describe('An incoming webhook of Slack'),
  url,
});

const webhook = z.strictObject({
  name,
  type: z.literal('webhook').describe('Any HTTP endpoint, in the format of Standard Webhooks'),
  url,
  signingKey: secretSetting
    .refine(isSigningKey, 'must be whsec_ followed by the base64 of 24 to 64 bytes')
    .optional()
    .describe('Signs each message: `whsec_…`; two keys with a space between them while one replaces the other'),
});

/** The block `alerts` of the configuration. Parse with `parseAsync`: addresses and keys are secrets. */
export const alertSettings = z.strictObject({
  channels: z
    .array(z.discriminatedUnion('type', [slack, webhook]))
    .default([])
    .refine((channels) => new Set(channels.map((channel) => channel.name)).size === channels.length, {
      message: 'two channels have the same name',
    })
    .describe('Where alerts go; every channel gets every alert unless routes say otherwise'),
  on: z
    .enum(['warn', 'fail'])
    .default('fail')
    .describe('What is told: `fail` covers failures and what could not be found out, `warn` adds warnings'),
  repeatAfter: repeatSetting
    .prefault('24h')
    .describe('Tell a problem that stays again after this long; routes have their own'),
  flapping: z
    .boolean()
    .default(true)
    .describe('Tell a problem that comes and goes once, and again when it is stable; false tells each time'),
  owner: z.string().optional().describe('Whose everything is that has no owner of its own'),
  checks: checkRules.default({}).describe('What single checks have of their own, by the name of the check or task'),
  routes: routeSettings.optional().describe('Where each class of problems goes; all to every channel where left out'),
  windows: windowSettings.default([]).describe('Times of planned work: checks run on, but send no alarm'),
  timeout: durationSetting.prefault('10s').describe('How long one attempt at one channel may take'),
});

/** The block as read: durations in milliseconds, addresses and keys wrapped. */
export type AlertSettings = z.output<typeof alertSettings>;

/** One place where alerts go. */
export type Channel = AlertSettings['channels'][number];
