import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Http } from '../../src/adapters/http.ts';
import { announce } from '../../src/alerts/announce.ts';
import { memoryAlertStore } from '../../src/alerts/store.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { startReceiver } from '../support/receiver.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';
import { sendingFor, settingsFor } from '../support/sending.ts';

const HOUR_MS = 3_600_000;
const REPEAT_HOURS = 24;
const START = Date.parse('2026-01-01T00:00:00Z');
const STEPS = ['a', 'b'] as const;

const TWO_HOOKS = {
  flapping: false,
  channels: ['one', 'two'].map((name) => ({ name, type: 'webhook', url: `http://${name}/` })),
};

type Fate = 'ok' | 500 | 404;
interface Happening {
  readonly verdicts: readonly (Verdict | 'absent')[];
  /** One fate for each channel. */
  readonly fates: readonly [Fate, Fate];
}
interface Taken {
  readonly channel: string;
  readonly hour: number;
  readonly id: string;
  readonly step: string;
  readonly status: string;
  readonly reason: string;
}

const verdict = fc.constantFrom<Verdict | 'absent'>('done', 'fail', 'fail', 'crash', 'warn', 'not-run', 'absent');
const fate = fc.constantFrom<Fate>('ok', 'ok', 500, 404);
const history = fc.array(fc.record({ verdicts: fc.tuple(verdict, verdict), fates: fc.tuple(fate, fate) }), {
  maxLength: 60,
});

test('keeps its promises over any history of reports and channels', async () => {
  await using receiver = await startReceiver();
  const settings = await settingsFor(receiver, TWO_HOOKS);
  await fc.assert(
    fc.asyncProperty(history, async (happenings) => {
      const store = memoryAlertStore();
      const taken: Taken[] = [];
      for (const [hour, { verdicts, fates }] of happenings.entries()) {
        const started = new Date(START + hour * HOUR_MS).toISOString();
        const steps = STEPS.flatMap((title, index) => {
          const said = verdicts[index] ?? 'absent';
          return said === 'absent' ? [] : [stepOf(title, said, { verdict: said })];
        });
        const report = reportOf([taskOf('health', ...steps)], { startedAt: started, run: `run-${hour}` });
        const http = wire(fates, (body, channel, id) =>
          taken.push(...read(body).map((alert) => ({ ...alert, channel, hour, id }))),
        );
        const result = await announce({
          ...sendingFor(),
          http,
          report,
          settings,
          store,
          secrets: [],
        });
        expect(result.undelivered === 0 || store.spooled().length > 0).toBe(true);
        expect(store.spooled().flatMap(({ notifications }) => notifications).length).toBeLessThanOrEqual(
          STEPS.length + fates.length,
        );
        holdsNow(happenings.slice(0, hour + 1), taken);
      }
      neverRecoversUnalarmed(taken);
      neverRepeatsEarly(taken);
    }),
    { numRuns: 1_000 },
  );
});

/** Thrown where a process would be gone. */
class Killed extends Error {}

test('killed at any moment, a run neither loses an alarm nor says it under two ids', async () => {
  await using receiver = await startReceiver();
  const settings = await settingsFor(receiver, TWO_HOOKS);
  const kill = fc.record({ at: fc.integer({ min: 0, max: 18 }), isAfter: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(kill, { maxLength: 6 }), async (kills) => {
      const store = memoryAlertStore();
      const ids = new Map<string, Set<string>>([
        ['one', new Set()],
        ['two', new Set()],
      ]);
      const take = (_: string, channel: string, id: string): void => void ids.get(channel)?.add(id);
      for (const [hour, plan] of [...kills, undefined].entries()) {
        const report = reportOf([taskOf('health', stepOf('a', 'fail', { verdict: 'fail' }))], {
          startedAt: new Date(START + hour * HOUR_MS).toISOString(),
          run: `run-${hour}`,
        });
        const life = mortal(plan);
        const http = wire(['ok', 'ok'], take);
        const work = announce({
          ...sendingFor(),
          http: { send: (request) => life(() => http.send(request)) },
          report,
          settings,
          store: {
            load: () => life(() => store.load()),
            save: (states) => life(() => store.save(states)),
            silences: () => life(() => store.silences()),
            saveSilences: (silences) => life(() => store.saveSilences(silences)),
            record: (events) => life(() => store.record(events)),
            history: (since) => life(() => store.history(since)),
            spooled: () => life(() => store.spooled()),
            spool: (message) => life(() => store.spool(message)),
            unspool: (id) => life(() => store.unspool(id)),
          },
          secrets: [],
        });
        await work.catch((error: unknown) => {
          if (!(error instanceof Killed)) throw error;
        });
      }
      expect([...ids.values()].map((seen) => seen.size)).toEqual([1, 1]);
      expect(store.spooled()).toEqual([]);
      expect(store.load()).toMatchObject([{ step: 'a', deliveredTo: ['one', 'two'] }]);
    }),
    { numRuns: 1_000 },
  );
});

/** Passes everything on until the planned moment, just before or just after an action; then nothing more happens. */
function mortal(
  plan: { readonly at: number; readonly isAfter: boolean } | undefined,
): <Value>(action: () => Value) => Value {
  let actions = 0;
  return (action) => {
    actions += 1;
    if (plan === undefined || actions <= plan.at) return action();
    if (plan.isAfter && actions === plan.at + 1) action();
    throw new Killed('killed');
  };
}

/** Two servers that take or refuse what they get. */
function wire(fates: readonly [Fate, Fate], take: (body: string, channel: string, id: string) => void): Http {
  return {
    send: ({ url, body = '', headers = {} }) => {
      const channel = url.reveal().includes('one') ? 'one' : 'two';
      const fate = channel === 'one' ? fates[0] : fates[1];
      if (fate === 'ok') take(typeof body === 'string' ? body : '', channel, headers['webhook-id'] ?? '');
      const status = fate === 'ok' ? 200 : fate;
      const answer = { host: channel, body: '', retryAfter: null, latencyMs: 1, bodyLimitBytes: null };
      return Promise.resolve({ ...answer, status, ok: fate === 'ok' });
    },
  };
}

function read(body: string): readonly Pick<Taken, 'step' | 'status' | 'reason'>[] {
  const { data }: { data: { alerts: readonly Pick<Taken, 'step' | 'status' | 'reason'>[] } } = JSON.parse(body);
  return data.alerts.map(({ step, status, reason }) => ({ step, status, reason }));
}

/** A problem that is there now, and was while a channel worked, is known to a channel, and was told within a day. */
function holdsNow(happenings: readonly Happening[], taken: readonly Taken[]): void {
  const hour = happenings.length - 1;
  const now = happenings[hour];
  for (const [index, step] of STEPS.entries()) {
    const said = now?.verdicts[index];
    if ((said !== 'fail' && said !== 'crash') || now?.fates.every((fate) => fate !== 'ok')) continue;
    const last = taken.findLast((entry) => entry.step === step && entry.status === 'firing');
    expect(last, `${step} fails at ${hour} and nobody knows`).toBeDefined();
    expect(hour - (last?.hour ?? -Infinity)).toBeLessThan(REPEAT_HOURS);
  }
}

function neverRecoversUnalarmed(taken: readonly Taken[]): void {
  const alarmed = new Set<string>();
  for (const { channel, step, status } of taken) {
    const key = `${channel} ${step}`;
    if (status === 'resolved')
      expect(alarmed.delete(key), `${channel} heard of the end of ${step}, not of its beginning`).toBe(true);
    else alarmed.add(key);
  }
}

function neverRepeatsEarly(taken: readonly Taken[]): void {
  const toldAt = new Map<string, number>();
  const messages = new Map<string, string>();
  for (const { channel, step, status, reason, hour, id } of taken) {
    const key = `${channel} ${step}`;
    // Each message reaches a channel once.
    const part = `${channel} ${step} ${id}`;
    expect(messages.has(part)).toBe(false);
    messages.set(part, reason);
    const last = toldAt.get(key);
    if (status === 'firing' && last !== undefined && reason === 'repeat_due')
      expect(hour - last).toBeGreaterThanOrEqual(REPEAT_HOURS);
    if (status === 'resolved') toldAt.delete(key);
    else toldAt.set(key, hour);
  }
}
