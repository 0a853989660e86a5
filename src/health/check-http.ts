import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { probeHttp, shownUrl, type ProbeAnswer } from '../adapters/http-probe.ts';
import { MaintError } from '../base/errors.ts';
import { durationSetting } from '../base/settings.ts';
import { DAY_MS, formatDuration } from '../base/units.ts';
import { done, fail, warn, type Outcome } from '../engine/outcome.ts';
import type { TimedSample } from '../engine/sample.ts';
import { defineCheck, type Around } from './check.ts';
import { median } from './median.ts';

const endpointSettings = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, abort: true, error: 'write an address that starts with http:// or https://' })
      .describe('The address to GET'),
    name: z
      .string()
      .min(1)
      .optional()
      .describe('What reports call it; its address without user and query where left out'),
    expectStatus: z
      .int()
      .min(100)
      .max(599)
      .default(200)
      .describe('The status it must answer with; redirects are not followed'),
    contains: z.string().min(1).optional().describe('Text that the first mebibyte of the answer must contain'),
    timeout: durationSetting.prefault('5s').describe('How long one try may take'),
    warnAfter: durationSetting.prefault('1s').describe('Warn when the answer takes longer than this'),
    slowerThan: z
      .number()
      .min(1)
      .default(3)
      .describe('Warn when it takes so many times as long as usual, by the median of the last seven days'),
    retryAfter: durationSetting
      .prefault('2s')
      .describe('How long to wait between a failed try and the second, last one'),
  })
  .refine(({ warnAfter, timeout }) => warnAfter < timeout, {
    path: ['warnAfter'],
    error: 'warnAfter must be shorter than timeout',
  });

/** Endpoints of the application; each needs a name of its own. */
export const endpointsSetting = z
  .array(endpointSettings)
  .refine(
    (endpoints) => new Set(endpoints.map(endpointName)).size === endpoints.length,
    'two endpoints differ in nothing that reports may show: give them a name each',
  );
type Endpoint = z.infer<typeof endpointSettings>;

export const httpCheck = defineCheck({
  id: 'http',
  dimension: 'service',
  alertClass: 'page',
  impact: 'people who use the application get no answer',
  measures: 'time to the last byte of the answer, seconds',
  warns: 'slower than `http[].warnAfter`, or `http[].slowerThan` times the median of seven days',
  fails: 'no answer, another status or other text, twice',
  settings: { http: endpointsSetting.prefault([]).describe('Addresses of the application that must answer') },
  questions: ({ http }) =>
    http.map((endpoint) => ({
      title: `http ${endpointName(endpoint)}`,
      look: (around: Around) => checkHttp(endpoint, around),
    })),
});

/** What one try brought: an answer, or why there was none. */
type Try = ProbeAnswer | MaintError;

/** What reports call an endpoint; never its user, password or query. */
function endpointName({ url, name }: Pick<Endpoint, 'url' | 'name'>): string {
  return name ?? shownUrl(new URL(url));
}

/** Asks an endpoint, and once more where the first answer was none or a wrong one: a single lost packet is no news. */
export async function checkHttp(
  endpoint: Endpoint,
  around: Pick<Around, 'signal' | 'history' | 'now'>,
): Promise<Outcome> {
  const { signal, history, now } = around;
  const since = new Date(now().getTime() - 7 * DAY_MS);
  const usualMs = usual(history.samples(RESPONSE, endpointName(endpoint), since));
  const first = await tryOnce(endpoint, signal);
  if (faultOf(first, endpoint) === undefined) return judgeTries(first, undefined, { endpoint, usualMs });
  await setTimeout(endpoint.retryAfter, undefined, { signal });
  return judgeTries(first, await tryOnce(endpoint, signal), { endpoint, usualMs });
}

const RESPONSE = 'http.response';
/** Fewer say nothing about what is usual. */
const LEAST_SAMPLES = 10;
/** Below this nobody notices, however much faster it usually is. */
const UNNOTICED_MS = 100;

/** @returns in milliseconds; undefined where too little is known */
function usual(samples: readonly TimedSample[]): number | undefined {
  return samples.length < LEAST_SAMPLES ? undefined : median(samples.map(({ value }) => value)) * 1_000;
}

interface Expected {
  readonly endpoint: Endpoint;
  readonly usualMs: number | undefined;
}

async function tryOnce({ url, timeout }: Endpoint, signal: AbortSignal): Promise<Try> {
  try {
    return await probeHttp({ url: new URL(url), timeoutMs: timeout, signal });
  } catch (error) {
    if (error instanceof MaintError && error.code === 'HTTP_FAILED') return error;
    throw error;
  }
}

/** The last try decides. */
function judgeTries(first: Try, second: Try | undefined, { endpoint, usualMs }: Expected): Outcome {
  const last = second ?? first;
  const fault = faultOf(last, endpoint);
  const tries = second === undefined ? 1 : 2;
  const firstFault = second === undefined ? undefined : faultOf(first, endpoint);
  const before = firstFault === undefined || firstFault === fault ? '' : `; first try: ${firstFault}`;
  const broken = (what: string, status: number | null): Outcome =>
    fail(`${what}${before}`, remediation(endpoint), { facts: { tries, status } });
  if (last instanceof MaintError) return broken(last.message, null);
  if (fault !== undefined) return broken(fault, last.status);
  return judgeTime(last, { endpoint, usualMs, tries, before });
}

interface Asking extends Expected {
  readonly tries: number;
  /** What to say of a first try that failed. */
  readonly before: string;
}

function judgeTime({ status, durationMs }: ProbeAnswer, { endpoint, usualMs, tries, before }: Asking): Outcome {
  const summary = `${status} in ${formatDuration(durationMs)}${before}`;
  const extras: Parameters<typeof done>[1] = {
    facts: { tries, status, durationMs: Math.round(durationMs) },
    samples: [{ name: RESPONSE, subject: endpointName(endpoint), value: durationMs / 1_000, unit: 'seconds' }],
  };
  if (durationMs > endpoint.warnAfter) return warn(`slow: ${summary}`, remediation(endpoint), extras);
  if (usualMs !== undefined && durationMs > Math.max(UNNOTICED_MS, usualMs * endpoint.slowerThan))
    return warn(`slower than usual: ${summary}, usually ${formatDuration(usualMs)}`, remediation(endpoint), extras);
  return done(summary, extras);
}

/** @returns what is wrong with a try; undefined when nothing is */
function faultOf(result: Try, endpoint: Endpoint): string | undefined {
  return result instanceof MaintError ? result.message : faultOfAnswer(result, endpoint);
}

function faultOfAnswer({ status, location, body }: ProbeAnswer, endpoint: Endpoint): string | undefined {
  const { expectStatus, contains } = endpoint;
  const target = location === undefined ? '' : ` to ${LOGIN.test(location) ? 'a login page, ' : ''}${location}`;
  if (status !== expectStatus) return `answered ${status}${target} instead of ${expectStatus}`;
  if (contains !== undefined && !body.includes(contains)) return `answered ${status} without the expected text`;
  return undefined;
}

/** Where who is not logged in is sent to: then the check asks for something that is not open. */
const LOGIN = /\/(?:log-?in|sign-?in|auth|sso|oauth2?)(?:[/?#.]|$)/i;

function remediation({ url, timeout }: Endpoint): readonly string[] {
  const place = shownUrl(new URL(url)).replaceAll(`'`, '%27');
  return [
    `curl -sv -o /dev/null --max-time ${Math.ceil(timeout / 1_000)} '${place}'`,
    'Look into the log of the application and of the proxy before it, at the time of this report.',
  ];
}
