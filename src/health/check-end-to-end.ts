import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { isHttpUrl } from '../adapters/http.ts';
import { sendToken, takesToken, TOKEN } from '../adapters/http-token.ts';
import type { Reader } from '../adapters/postgres.ts';
import { secretSetting } from '../adapters/secret-setting.ts';
import { sql } from '../adapters/sql.ts';
import { timed } from '../adapters/stopwatch.ts';
import { wait } from '../adapters/wait.ts';
import { MaintError } from '../base/errors.ts';
import { durationSetting } from '../base/settings.ts';
import { formatDuration } from '../base/units.ts';
import { fail, type Outcome } from '../engine/outcome.ts';
import { defineCheck } from './check.ts';
import { namesDiffer, nameSetting, querySetting, SAME_NAME, subquery } from './named-sql.ts';

const arrivalSettings = z.strictObject({
  what: z.string().min(1).describe('What has happened once the row is there, for reports: the row is written'),
  sql: querySetting
    .refine((text) => text.includes(TOKEN), `must have ${TOKEN} in it, in quotes`)
    .describe(
      "A query that gives a row once it has, with the token in quotes: SELECT 1 FROM probes WHERE note = '{token}'",
    ),
});

const probeSettings = z
  .strictObject({
    name: nameSetting,
    url: secretSetting
      .refine(isHttpUrl, 'must be an http:// or https:// URL')
      .describe('The address of the application that writes something harmless; {token} in it is filled in'),
    method: z.enum(['GET', 'POST']).default('POST').describe('How it is asked'),
    headers: z.record(z.string().min(1), secretSetting).default({}).describe('Headers to send; all are secrets'),
    body: z.string().optional().describe('What to send; {token} in it is filled in, with a new one each time'),
    expectStatus: z
      .int()
      .min(100)
      .max(599)
      .optional()
      .describe('The status it must answer with; anything from 200 to 299 where left out'),
    arrivals: z
      .array(arrivalSettings)
      .min(1)
      .describe(
        'What must then be found in the database, in this order: a row, the job it leads to, the result of the job',
      ),
    timeout: durationSetting.prefault('5s').describe('How long the answer may take'),
    within: durationSetting.prefault('10s').describe('How long all of it may take'),
    warnAfter: durationSetting.prefault('2s').describe('Warn when all of it takes longer than this'),
  })
  .refine(({ url, body = '' }) => takesToken(url) || body.includes(TOKEN), {
    path: ['body'],
    error: `neither url nor body has ${TOKEN} in it, so that nothing tells this probe from the one before`,
  })
  .refine(({ warnAfter, within }) => warnAfter < within, {
    path: ['warnAfter'],
    error: 'warnAfter must be shorter than within',
  });
type ProbeSettings = z.infer<typeof probeSettings>;

/** The least that proves that the application works: it takes something in, and it arrives where it should. */
export const endToEndCheck = defineCheck({
  id: 'end-to-end',
  dimension: 'service',
  alertClass: 'page',
  impact: 'what people send to the application does not arrive, even where every part of it answers',
  measures: 'time from a request to the last row it must lead to, seconds',
  warns: 'slower than `endToEnd[].warnAfter`',
  fails: 'a wrong answer, or a row that is not there `endToEnd[].within` after the request',
  settings: {
    endToEnd: z
      .array(probeSettings)
      .refine(namesDiffer, SAME_NAME)
      .prefault([])
      .describe('Requests that write something harmless, and the rows that must come of them'),
  },
  questions: ({ endToEnd }) =>
    endToEnd.map((settings) => ({
      title: `end to end ${settings.name}`,
      ask: (database, { signal }) => checkProbe(database, settings, signal),
    })),
});

async function checkProbe(database: Reader, settings: ProbeSettings, signal: AbortSignal): Promise<Outcome> {
  const token = randomUUID();
  const limit = AbortSignal.timeout(settings.within);
  const stop = AbortSignal.any([signal, limit]);
  const { value: fault, ms } = await timed(async () => {
    const refusal = await request(settings, token, stop);
    if (refusal !== undefined) return refusal;
    for (const arrival of settings.arrivals)
      if (!(await arrives(database, arrival.sql.replaceAll(TOKEN, token), stop)))
        return `not within ${formatDuration(settings.within)}: ${arrival.what}`;
    return undefined;
  });
  signal.throwIfAborted();
  if (fault !== undefined) return fail(fault, remediation(settings), { facts: { token } });
  const isSlow = ms > settings.warnAfter;
  return {
    status: isSlow ? 'warn' : 'done',
    summary: `${isSlow ? 'slow: ' : ''}${settings.arrivals.map(({ what }) => what).join(', ')} in ${formatDuration(ms)}`,
    remediation: isSlow ? remediation(settings) : [],
    facts: { token, durationMs: Math.round(ms) },
    samples: [{ name: 'endToEnd.duration', subject: settings.name, value: ms / 1_000, unit: 'seconds' }],
  };
}

/** @returns what is wrong with the answer */
async function request(settings: ProbeSettings, token: string, signal: AbortSignal): Promise<string | undefined> {
  const { url, method, headers, body, expectStatus, timeout: timeoutMs } = settings;
  try {
    const answer = await sendToken({ method, url, headers, body, token, timeoutMs, signal });
    const isRight = expectStatus === undefined ? answer.ok : answer.status === expectStatus;
    return isRight ? undefined : `${answer.host} answered ${answer.status} instead of ${expectStatus ?? '200 to 299'}`;
  } catch (error) {
    if (error instanceof MaintError && (error.code === 'HTTP_FAILED' || error.code === 'CANCELLED'))
      return error.message;
    throw error;
  }
}

const PAUSE_MS = 100;

async function arrives(database: Reader, query: string, stop: AbortSignal): Promise<boolean> {
  while (!stop.aborted) {
    const [row] = await database.rows(sql<{ isThere: boolean }>`
      SELECT EXISTS (SELECT FROM ${subquery(query)} AS answer) AS "isThere"`);
    if (row?.isThere === true) return true;
    await wait(PAUSE_MS, stop);
  }
  return false;
}

function remediation({ arrivals, name }: ProbeSettings): readonly string[] {
  return [
    'Look into the log of the application for the token that the facts of this report name: maint health --json',
    ...arrivals.map(({ what, sql: query }) => `${query.replaceAll(TOKEN, '<token>')}; -- ${what}?`),
    `A row that never comes: does the worker run, and does the application write to this database ("${name}" looks here)?`,
  ];
}
