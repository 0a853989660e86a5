import { z } from 'zod';
import { MaintError } from '../base/errors.ts';
import { durationSetting } from '../base/settings.ts';
import { ALERT_CLASSES } from '../engine/concern.ts';
import { nextSlot } from '../engine/slots.ts';
import { parseMatcher } from './match.ts';
import type { Need } from './policy.ts';

const SHORTEST_REPEAT_MS = 15 * 60_000;

/** After how long a problem that stays is told again. */
export const repeatSetting = durationSetting.refine((ms) => ms >= SHORTEST_REPEAT_MS, {
  message: 'must be at least 15 min: who is told more often stops reading',
});

const MOST_RESULTS = 20;

/** `2`, or `2 of 3`: how often among the newest results something must be bad. */
export const needSetting = z
  .union([z.int().min(1).max(MOST_RESULTS), z.string().regex(/^\d{1,2} of \d{1,2}$/, 'must be a number, or as 2 of 3')])
  .meta({ examples: [1, 3, '2 of 3'] })
  .transform((given, context): Need => {
    const [hits = 0, of = hits] = typeof given === 'number' ? [given] : given.split(' of ').map(Number);
    if (hits >= 1 && hits <= of && of <= MOST_RESULTS) return { hits, of };
    context.addIssue({ code: 'custom', message: `must be x of y with x at most y, and y at most ${MOST_RESULTS}` });
    return z.NEVER;
  });
const resolveAfter = z.int().min(1).max(MOST_RESULTS);

const WORDS = {
  need: 'How many results in a row must be bad before it is told, or how many of the newest: 2 of 3',
  resolveAfter: 'How many good results in a row end it',
} as const;

const channelNames = z.array(z.string()).min(1, 'names no channel');

const escalation = z.strictObject({
  after: durationSetting.describe('How long after the first message, unless someone acknowledged it'),
  to: channelNames.describe('The channels that hear of it then'),
});

function route(repeatAfter: string) {
  return {
    channels: channelNames.optional().describe('Names of the channels; all where left out'),
    fallback: z.array(z.string()).default([]).describe('Channels that get it when none of those took it'),
    repeatAfter: repeatSetting.prefault(repeatAfter).describe('Tell a problem that stays again after this long'),
    for: needSetting.prefault(1).describe(WORDS.need),
    resolveAfter: resolveAfter.default(1).describe(WORDS.resolveAfter),
    escalate: z.array(escalation).default([]).describe('Who is told next when nobody acknowledges it'),
  };
}

/** The block `alerts.routes`: where each class of problems goes, when, and how often. */
export const routeSettings = z.strictObject({
  page: z.strictObject(route('1h')).prefault({}).describe('What must wake someone: told at once, at any hour'),
  ticket: z
    .strictObject({
      ...route('24h'),
      hours: z
        .enum(['owner', 'always'])
        .default('owner')
        .describe('owner waits for the hours of the owner and tells everything then in one message'),
      digest: z.boolean().default(false).describe('Tell only when those hours begin: one message a day'),
    })
    .prefault({})
    .describe('What can wait for working hours'),
  report: z
    .strictObject({ channels: z.array(z.string()).max(0).default([]).describe('Always empty: it is never sent') })
    .prefault({})
    .describe('What nobody has to act on: kept, and never sent'),
});

/** The block `alerts.checks`: what one check has of its own. */
export const checkRules = z.record(
  z.string(),
  z.strictObject({
    owner: z.string().optional().describe('Whose it is; alerts.owner where left out'),
    class: z.enum(ALERT_CLASSES).optional().describe('How urgent a failure is; as the check says where left out'),
    for: needSetting.optional().describe(WORDS.need),
    resolveAfter: resolveAfter.optional().describe(WORDS.resolveAfter),
    runbook: z.string().min(1).max(300).optional().describe('Where your own runbook is, instead of the one of maint'),
  }),
);

/** One condition of a silence or a window, `key=value`. */
const matcher = z
  .string()
  .meta({ title: 'matcher', examples: ['check=disk*', 'task=backup', 'class=ticket'] })
  .transform((text, context) => {
    try {
      return parseMatcher(text);
    } catch (error) {
      if (!(error instanceof MaintError)) throw error;
      context.addIssue({ code: 'custom', message: `${error.message}. ${error.hint}` });
      return z.NEVER;
    }
  });

const window = z
  .strictObject({
    cron: z.string().describe('When it begins, in the five fields of crontab'),
    for: durationSetting.describe('How long it lasts'),
    timezone: z.string().default('UTC').describe('IANA time zone of its beginning'),
    match: z.array(matcher).min(1).describe('What is silent: all of these must hold; * stands for anything'),
    reason: z.string().min(1).max(200).describe('Why, for whoever looks at it later'),
    by: z.string().min(1).max(80).describe('Who wants it'),
  })
  .superRefine(({ cron, timezone }, context) => {
    if (!comes(cron, timezone))
      context.addIssue({ code: 'custom', path: ['cron'], message: 'is no schedule that comes' });
  });

/** The block `alerts.windows`: times at which work is planned. Checks run on; only their alarms are not sent. */
export const windowSettings = z.array(window);

/** One window as read. */
export type Window = z.output<typeof windowSettings>[number];

function comes(cron: string, timezone: string): boolean {
  try {
    return cron.trim().split(/\s+/).length === 5 && nextSlot(cron, timezone, new Date(0)) !== undefined;
  } catch {
    return false;
  }
}
