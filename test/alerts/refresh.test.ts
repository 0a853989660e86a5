import { expect, test } from 'vitest';
import { announce } from '../../src/alerts/announce.ts';
import { memoryAlertStore } from '../../src/alerts/store.ts';
import type { Verdict } from '../../src/engine/verdict.ts';
import { everyChannel, settingsWith } from '../support/channels.ts';
import { startReceiver } from '../support/receiver.ts';
import { reportOf, stepOf, taskOf } from '../support/reports.ts';
import { sendingFor } from '../support/sending.ts';

interface Sent {
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}

test('an Alertmanager hears of a problem with every run as long as it stays, other channels once, and of its end once', async () => {
  await using receiver = await startReceiver();
  const all = everyChannel(receiver).filter(({ name }) => name === 'slack' || name === 'alertmanager');
  const settings = await settingsWith(all);
  const store = memoryAlertStore();
  const run = async (hour: number, verdict: Verdict): Promise<readonly Sent[]> => {
    const before = receiver.requests.length;
    const report = reportOf([taskOf('health', stepOf('disk /', `disk is ${verdict}`, { verdict }))], {
      run: `00000000-0000-4000-8000-${String(hour).padStart(12, '0')}`,
      startedAt: new Date(Date.now() + (hour - 4) * 3_600_000).toISOString(),
    });
    await announce({ ...sendingFor(), report, settings, store, secrets: [] });
    const bodies = receiver.requests.slice(before).filter(({ path }) => path === '/api/v2/alerts');
    return bodies.flatMap(({ body }): readonly Sent[] => JSON.parse(body));
  };
  const first = await run(0, 'fail');
  expect(first).toHaveLength(1);
  const again = await run(1, 'fail');
  expect(again).toHaveLength(1);
  expect(again[0]?.labels).toEqual(first[0]?.labels);
  expect(again[0]?.startsAt).toBe(first[0]?.startsAt);
  // Two and a half times the interval, which is a day, from the instant of sending.
  expect(Date.parse(again[0]?.endsAt ?? '') - Date.now()).toBeGreaterThan(59 * 3_600_000);
  const [end, ...more] = await run(2, 'done');
  expect(more).toEqual([]);
  expect(end?.labels).toEqual(first[0]?.labels);
  expect(Date.parse(end?.endsAt ?? '')).toBeLessThanOrEqual(Date.now());
  expect(await run(3, 'done')).toEqual([]);
  expect(receiver.requests.filter(({ path }) => path.startsWith('/services'))).toHaveLength(2);
  expect(receiver.requests.flatMap(({ violation }) => violation ?? [])).toEqual([]);
});
