import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { durationSetting } from '../base/settings.ts';
import { formatDuration } from '../base/units.ts';
import { MaintError } from '../base/errors.ts';
import type { Outcome } from '../engine/outcome.ts';
import { probeHttp, shownUrl } from '../adapters/http-probe.ts';
import { grade, WARNS_SOONER, warnsSooner } from './thresholds.ts';
import { defineCheck, type Around } from './check.ts';

export const clockSettings = z
  .strictObject({
    warnAfter: durationSetting
      .prefault('1s')
      .describe('Warn when the clocks of this host and of the database are further apart than this'),
    failAfter: durationSetting.prefault('5s').describe('Fail when they are further apart than this'),
    servers: z
      .array(z.url({ protocol: /^https?$/, error: 'write an address that starts with http:// or https://' }))
      .refine((urls) => new Set(urls).size === urls.length, 'the same one is named twice')
      .default([])
      .describe('Web servers whose clock to compare with too, by the Date header of their answer'),
  })
  .refine(warnsSooner, WARNS_SOONER);
type ClockSettings = z.infer<typeof clockSettings>;

export const clockCheck = defineCheck({
  id: 'clock',
  dimension: 'resources',
  alertClass: 'ticket',
  impact: 'signed messages, certificates, sessions and schedules go wrong',
  measures: 'how far the clocks of this host and of the database, or of a web server, are apart, seconds',
  warns: '`clock.warnAfter`',
  fails: '`clock.failAfter`',
  settings: {
    clock: clockSettings.prefault({}).describe('How far the clocks of this host and of the database may be apart'),
  },
  questions: ({ clock }) => [
    { title: 'clock', ask: (database, { now }) => checkClock(database, clock, now) },
    ...clock.servers.map((url) => ({
      title: `clock ${shownUrl(new URL(url))}`,
      look: (around: Around) => checkServerClock(new URL(url), clock, around),
    })),
  ],
});

/** The clock of the database, and that of this host before and after it was asked; in milliseconds. */
interface Reading {
  readonly theirs: number;
  readonly before: number;
  readonly after: number;
  /** Whose clock it is; that of the database where left out. */
  readonly whose?: string;
}

/**
 * Compares the clock of this host with that of the database. Signed messages, certificates and schedules go wrong when
 * they are apart.
 * @param now the clock of this host
 * @throws MaintError when the database does not answer
 */
export async function checkClock(database: Reader, settings: ClockSettings, now: () => Date): Promise<Outcome> {
  await database.server();
  const before = now().getTime();
  const [row] = await database.rows(sql<{ theirs: number }>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS theirs`);
  const after = now().getTime();
  return judgeClock({ theirs: row?.theirs ?? before, before, after }, settings, database.name);
}

const PROBE_TIMEOUT_MS = 5_000;

/**
 * The same with a web server, which tells the time in whole seconds: it may be up to a second later than it says.
 * @throws MaintError HTTP_FAILED when it does not answer, or without a date: then nothing was found out
 */
async function checkServerClock(url: URL, settings: ClockSettings, { signal, now }: Around): Promise<Outcome> {
  const before = now().getTime();
  const { date } = await probeHttp({ url, timeoutMs: PROBE_TIMEOUT_MS, signal });
  const after = now().getTime();
  if (date === undefined) throw new MaintError('HTTP_FAILED', `${shownUrl(url)}: the answer has no Date header`);
  const reading = { theirs: date.getTime(), before: before - 1_000, after, whose: 'the server' };
  return judgeClock(reading, settings, shownUrl(url));
}

/** The answer was made somewhere between the two looks at the own clock, so only what lies outside counts. */
export function judgeClock(
  { theirs, before, after, whose = 'the database' }: Reading,
  { warnAfter, failAfter }: ClockSettings,
  subject: string,
): Outcome {
  const aheadMs = Math.max(0, theirs - after);
  const behindMs = Math.max(0, before - theirs);
  const apartMs = aheadMs + behindMs;
  const status = grade(apartMs, warnAfter, failAfter);
  const side = aheadMs > 0 ? 'ahead of' : 'behind';
  return {
    status,
    summary:
      status === 'done'
        ? `less than ${formatDuration(warnAfter)} apart`
        : `the clock of ${whose} is ${formatDuration(apartMs)} ${side} that of this host`,
    remediation: status === 'done' ? [] : REMEDIATION,
    facts: { aheadMs: Math.round(aheadMs - behindMs) },
    samples: [{ name: 'clock.apart', subject, value: apartMs / 1_000, unit: 'seconds' }],
  };
}

const REMEDIATION = [
  'On both hosts: timedatectl; chronyc tracking',
  'Let both follow a time server: sudo timedatectl set-ntp true',
];
