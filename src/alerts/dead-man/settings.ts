import { z } from 'zod';
import { isHttpUrl } from '../../adapters/http.ts';
import { hasForm, secretSetting } from '../../adapters/secret-setting.ts';

const address = secretSetting.refine(isHttpUrl, 'must be an http:// or https:// URL');

/** Which runs a switch listens to, as every type has it. */
const jobs = z
  .array(z.string().min(1))
  .min(1)
  .optional()
  .describe(
    'Names of what it listens to: daily, tick, a job of jobs; every scheduled round where left out, not the tick',
  );

const healthchecks = z
  .strictObject({
    type: z.literal('healthchecks').describe('A check of Healthchecks.io or its kin'),
    jobs,
    url: address.optional().describe('Its ping address; or pingKey and slug'),
    base: z
      .string()
      .default('https://hc-ping.com')
      .refine(isPlainUrl, 'must be an http:// or https:// URL')
      .describe('The server that pingKey belongs to'),
    pingKey: secretSetting
      .refine((key) => hasForm(key, /^[\w-]{22}$/), 'must be the 22 characters of a ping key')
      .optional()
      .describe('The ping key of the project'),
    slug: z
      .string()
      .regex(/^[a-z0-9_-]+$/, 'must be lower-case letters, digits, hyphens and underscores')
      .optional()
      .describe('The name of the check in its address'),
    create: z.boolean().default(false).describe('Make the check where there is none of that slug'),
    log: z
      .boolean()
      .default(false)
      .describe('Send the end of the report too, secrets hidden; off, for whoever sees the check sees it'),
  })
  .refine(({ url, pingKey, slug }) => (url === undefined) === (pingKey !== undefined && slug !== undefined), {
    message: 'must have either url, or both pingKey and slug',
  })
  .refine(({ url, pingKey, slug }) => url === undefined || (pingKey === undefined && slug === undefined), {
    message: 'must have either url, or both pingKey and slug',
  });

const uptimeKuma = z.strictObject({
  type: z.literal('uptime-kuma').describe('A push monitor of Uptime Kuma'),
  jobs,
  url: address.describe('Its push address; what stands behind the question mark is replaced'),
});

const cronitor = z.strictObject({
  type: z.literal('cronitor').describe('A monitor of Cronitor'),
  jobs,
  base: z
    .string()
    .default('https://cronitor.link')
    .refine(isPlainUrl, 'must be an http:// or https:// URL')
    .describe('The server'),
  apiKey: secretSetting.describe('The telemetry key'),
  monitor: z
    .string()
    .regex(/^[\w-]+$/, 'must be the key of a monitor')
    .describe('The key of the monitor'),
});

const urls = z.strictObject({
  type: z.literal('urls').describe('Addresses that only have to be called'),
  jobs,
  start: address.optional().describe('Called when a run begins'),
  success: address.describe('Called when it ended well'),
  failure: address.optional().describe('Called when it did not; nothing is called where left out'),
});

/** The block `deadMan` of the configuration: who raises the alarm when maint itself no longer runs. */
export const deadManSettings = z.array(z.discriminatedUnion('type', [healthchecks, uptimeKuma, cronitor, urls]));

/** One dead man's switch. */
export type DeadManSwitch = z.output<typeof deadManSettings>[number];

function isPlainUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '';
}
