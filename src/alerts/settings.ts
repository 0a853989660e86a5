import { z } from 'zod';
import { durationSetting } from '../base/settings.ts';
import { channelSettings } from './channels/settings.ts';
import { hoursSetting } from './owner-settings.ts';
import { checkRules, repeatSetting, routeSettings, windowSettings } from './route-settings.ts';

const canary = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether a scheduled run or tick sends it'),
  every: durationSetting.prefault('7 days').describe('How long a test that went through counts'),
  hours: hoursSetting.prefault('Mon-Fri 09:00-17:00 UTC').describe('When people are there to see it'),
  except: z.array(z.string()).default([]).describe('Names of channels that are never tried so'),
});

/** The block `alerts` of the configuration. Parse with `parseAsync`: addresses and keys are secrets. */
export const alertSettings = z.strictObject({
  channels: z
    .array(channelSettings)
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
  canary: canary.prefault({}).describe('A quiet test of every channel that no test went through for too long'),
  timeout: durationSetting.prefault('10s').describe('How long one attempt at one channel may take'),
});

/** The block as read: durations in milliseconds, addresses and keys wrapped. */
export type AlertSettings = z.output<typeof alertSettings>;
