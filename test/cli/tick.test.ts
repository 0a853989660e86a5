import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootId } from '../../src/adapters/host.ts';
import { openJournal } from '../../src/engine/sqlite-journal.ts';
import type { LedgerEntry } from '../../src/engine/ledger.ts';
import { makeWorld } from '../support/world.ts';
import { quietSite, type QuietSite } from '../support/quiet-site.ts';

const slots = (entries: readonly LedgerEntry[], status: string): readonly (string | null)[] =>
  entries.filter((entry) => entry.status === status).map(({ slot }) => slot);

/** A site whose daily round ran on the 18th, and then nothing for three days. */
async function afterSilence(schedule: Readonly<Record<string, unknown>> = {}): Promise<QuietSite> {
  const site = quietSite({ schedule });
  expect((await site.at('2026-11-18T03:17:02Z', 'daily', '--cron')).exitCode).toBe(0);
  return site;
}

describe('slots that nobody ran', () => {
  test('are counted by status, with exit code 1', async () => {
    const site = await afterSilence();
    expect((await site.at('2026-11-19T03:30:00Z', 'status')).exitCode, 'a little late is not missed').toBe(0);
    const { exitCode, out } = await site.at('2026-11-21T09:00:00Z', 'status');
    expect(exitCode).toBe(1);
    expect(out).toContain('3 slots missed: nothing ran for 2026-11-19T03:17Z, 2026-11-20T03:17Z, 2026-11-21T03:17Z');
    const json = await site.at('2026-11-21T09:00:00Z', 'status', '--json');
    expect(JSON.parse(json.out)).toMatchObject({
      jobs: [{ job: 'daily', missed: { length: 3 }, last: { status: 'ok', exitCode: 0 } }, {}, {}, {}],
    });
  });

  test('count as missed after schedule.grace, for status, for health and for the line of a late run', async () => {
    const looking = {
      tasks: { health: { enabled: true, disks: [] } },
      database: { url: 'postgres://a@127.0.0.1:1/app' },
    };
    for (const [grace, isMissed] of [
      ['10 min', true],
      ['2h', false],
    ] as const) {
      const site = await afterSilence({ grace });
      site.configure({ schedule: { grace }, ...looking });
      const status = await site.at('2026-11-19T03:40:00Z', 'status');
      expect(status.out.includes('1 slot missed')).toBe(isMissed);
      const health = (await site.at('2026-11-19T03:40:00Z', 'health')).out;
      expect(/daily: 1 slot missed/.test(health)).toBe(isMissed);
      site.configure({ schedule: { grace } });
      await site.at('2026-11-19T03:40:00Z', 'tick', '--cron');
      expect(site.entries('daily')[0]).toMatchObject({ status: isMissed ? 'late' : 'ok', isCatchUp: isMissed });
    }
    const { exitCode, err } = await quietSite({ schedule: { grace: '1 min' } }).at('2026-11-19T03:40:00Z', 'status');
    expect({ exitCode, err }).toMatchObject({ exitCode: 2, err: expect.stringContaining('at least 5 min') });
  });

  test('are made up for by the newest, and the others are written down as missed', async () => {
    const site = await afterSilence();
    const ticked = await site.at('2026-11-21T09:00:00Z', 'tick', '--cron');
    expect(ticked.exitCode).toBe(0);
    const entries = site.entries('daily');
    expect(entries[0]).toMatchObject({
      slot: '2026-11-21T03:17:00.000Z',
      status: 'late',
      isCatchUp: true,
      exitCode: 0,
    });
    expect(slots(entries, 'missed')).toEqual(['2026-11-20T03:17:00.000Z', '2026-11-19T03:17:00.000Z']);
    expect((await site.at('2026-11-21T09:05:00Z', 'status')).exitCode).toBe(0);
    await site.at('2026-11-21T09:05:00Z', 'tick', '--cron');
    expect(site.entries('daily')).toHaveLength(entries.length);
  });

  test('stay undone with none, and someone hears of it until it is run by hand', async () => {
    const site = await afterSilence({ catchUp: 'none' });
    const ticked = await site.at('2026-11-21T09:00:00Z', 'tick', '--cron');
    expect(ticked.exitCode).toBe(1);
    expect(ticked.out).toContain('3 slots missed');
    expect(slots(site.entries('daily'), 'missed')).toHaveLength(3);
    expect(slots(site.entries('daily'), 'late')).toEqual([]);
    expect((await site.at('2026-11-21T09:10:00Z', 'daily')).exitCode).toBe(0);
    expect((await site.at('2026-11-21T09:15:00Z', 'tick', '--cron')).exitCode).toBe(0);
  });

  test('are made up for one by one with all, oldest first, and not beyond their age', async () => {
    const site = await afterSilence({ catchUp: 'all', maxAge: '7 days' });
    await site.at('2026-11-21T09:00:00Z', 'tick', '--cron');
    expect(slots(site.entries('daily').toReversed(), 'late')).toEqual([
      '2026-11-19T03:17:00.000Z',
      '2026-11-20T03:17:00.000Z',
      '2026-11-21T03:17:00.000Z',
    ]);
    const young = await afterSilence({ catchUp: 'all', maxAge: '36h' });
    await young.at('2026-11-21T09:00:00Z', 'tick', '--cron');
    expect(slots(young.entries('daily'), 'late')).toHaveLength(2);
  });
});

describe('how long a round takes', () => {
  /** A site whose last rounds took so long each. */
  async function after(rounds: number, durationMs: number): Promise<QuietSite> {
    const site = await afterSilence();
    using journal = openJournal(join(site.folder, 'state', 'app'), new Date('2026-11-18T04:00:00Z'));
    const [entry] = journal.ledger.entries('daily', 1);
    if (entry === undefined) throw new Error('nothing ran');
    const startedAt = entry.startedAt;
    const finishedAt = new Date(Date.parse(startedAt) + durationMs).toISOString();
    journal.ledger.write({ ...entry, finishedAt });
    for (let round = 1; round < rounds; round += 1)
      journal.ledger.write({ ...entry, run: `before-${round}`, startedAt, finishedAt });
    return site;
  }
  const next = async (site: QuietSite) => site.at('2026-11-19T03:17:02Z', 'daily', '--cron');

  test('is a warning where it is a tenth of what is usual, and not where too little is known', async () => {
    const odd = await after(5, 60_000_000);
    const { exitCode, out } = await next(odd);
    expect({ exitCode, out }).toMatchObject({ exitCode: 0, out: expect.stringContaining('less than a tenth of the') });
    expect(out).toContain('schedule.duration');
    expect(odd.entries('daily')[0]).toMatchObject({ status: 'warn' });
    expect(await next(await after(4, 60_000_000)), 'four say nothing').toMatchObject({ exitCode: 0, out: '' });
    expect(await next(await after(5, 100)), 'as usual').toMatchObject({ exitCode: 0, out: '' });
    const byHand = await after(5, 60_000_000);
    expect((await byHand.at('2026-11-19T03:17:02Z', 'daily')).out, 'a run by hand is of no slot').not.toContain(
      'tenth',
    );
  });
});

describe('maint tick under cron without a channel', () => {
  test('says a problem once when it begins and once when it is over, with exit code 1 between', async () => {
    const site = await afterSilence({ catchUp: 'none' });
    const first = await site.at('2026-11-21T09:00:00Z', 'tick', '--cron');
    expect(first).toMatchObject({ exitCode: 1, out: expect.stringContaining('3 slots missed') });
    for (const minute of ['05', '10'])
      expect(await site.at(`2026-11-21T09:${minute}:00Z`, 'tick', '--cron')).toEqual({ exitCode: 1, out: '', err: '' });
    expect((await site.at('2026-11-21T09:12:00Z', 'tick')).out, 'whoever asks is told').toContain('3 slots missed');
    expect((await site.at('2026-11-21T09:13:00Z', 'tick', '--cron', '--json')).out).toContain('3 slots missed');
    await site.at('2026-11-21T09:14:00Z', 'daily', '--cron');
    expect(await site.at('2026-11-21T09:15:00Z', 'tick', '--cron')).toEqual({
      exitCode: 0,
      out: expect.stringMatching(/^over: schedule: daily: late, .* ago; next 2026-11-22T03:17Z\n$/),
      err: '',
    });
    expect(await site.at('2026-11-21T09:20:00Z', 'tick', '--cron')).toEqual({ exitCode: 0, out: '', err: '' });
  });

  test('says it again when a warning becomes a failure, and then that it is over', async () => {
    const withDisk = (warnAt: number, failAt: number) => ({
      database: { url: 'postgres://nobody@127.0.0.1:1/app', connectTimeout: '1s' },
      tasks: { health: { enabled: true, disks: ['/tmp'], disk: { warnAt, failAt } } },
    });
    const site = quietSite(withDisk(0.000_1, 0.999_9));
    const tick = async (minute: string): Promise<string> =>
      (await site.at(`2026-11-21T09:${minute}:00Z`, 'tick', '--cron')).out;
    const disk = /^! health: disk \/tmp/m;
    expect(await tick('00')).toMatch(disk);
    expect(await tick('05')).toBe('');
    site.configure(withDisk(0.000_1, 0.000_2));
    expect(await tick('10')).toMatch(/^✗ health: disk \/tmp/m);
    expect(await tick('15')).toBe('');
    site.configure(withDisk(0.999_8, 0.999_9));
    expect(await tick('20')).toMatch(/^over: health: disk \/tmp: [^\n]*\n$/);
    expect(await tick('25'), 'the database is still away, as was said').toBe('');
  });
});

describe('maint tick', () => {
  test('makes up for nothing on a fresh install, and then runs each slot once, whoever begins it', async () => {
    const site = quietSite();
    expect(await site.at('2026-11-18T12:00:00Z', 'tick', '--cron')).toEqual({ exitCode: 0, out: '', err: '' });
    expect(site.entries('daily')).toEqual([]);
    expect(await site.at('2026-11-19T03:20:00Z', 'tick', '--cron')).toEqual({ exitCode: 0, out: '', err: '' });
    expect(site.entries('daily')).toMatchObject([{ slot: '2026-11-19T03:17:00.000Z', status: 'ok', isCatchUp: false }]);
    await site.at('2026-11-19T03:21:00Z', 'daily', '--cron');
    await site.at('2026-11-19T03:25:00Z', 'tick', '--cron');
    const ran = site.entries('daily').filter(({ run }) => run !== null);
    expect(ran, 'the line of the crontab and the tick share one claim').toHaveLength(1);
    await site.at('2026-11-20T03:17:01Z', 'daily', '--cron');
    await site.at('2026-11-20T03:20:00Z', 'tick', '--cron');
    expect(site.entries('daily').filter(({ run }) => run !== null)).toHaveLength(2);
  });

  test('writes down that a run was killed, and begins its slot again', async () => {
    const site = quietSite();
    await site.at('2026-11-19T03:17:00Z', 'daily', '--cron');
    const { hostname } = makeWorld({ cwd: site.folder });
    {
      using journal = openJournal(join(site.folder, 'state', 'app'), new Date());
      const [entry] = journal.ledger.entries('daily', 1);
      if (entry === undefined) throw new Error('nothing ran');
      const slot = '2026-11-20T03:17:00.000Z';
      const gone = { run: 'gone', host: hostname, pid: 999_999_999, bootId: bootId(), finishedAt: null };
      journal.ledger.write({ ...entry, ...gone, slot, startedAt: slot, status: 'running' });
    }
    expect((await site.at('2026-11-20T03:18:00Z', 'status')).out).toContain('killed');
    await site.at('2026-11-20T03:20:00Z', 'tick', '--cron');
    expect(site.entries('daily').map(({ slot, status }) => [slot, status])).toEqual([
      ['2026-11-20T03:17:00.000Z', 'ok'],
      ['2026-11-20T03:17:00.000Z', 'killed'],
      ['2026-11-19T03:17:00.000Z', 'ok'],
    ]);
  });

  test('says what it would do, and touches nothing', async () => {
    const site = await afterSilence();
    const { exitCode, out } = await site.at('2026-11-21T09:00:00Z', 'tick', '--dry-run');
    expect(exitCode).toBe(0);
    expect(out).toContain('would give up daily of 2026-11-20T03:17:00.000Z');
    expect(out).toContain('would run daily of 2026-11-21T03:17:00.000Z');
    expect(site.entries('daily')).toHaveLength(1);
  });

  test('leaves no trace in the history unless it found something', async () => {
    const site = quietSite();
    await site.at('2026-11-18T12:00:00Z', 'tick', '--cron');
    expect((await site.at('2026-11-18T12:01:00Z', 'history')).out).toContain('nothing has run yet');
  });

  test('runs a task by a schedule of its own, instead of with its tier', async () => {
    const site = quietSite({ tasks: { 'cert-audit': { schedule: '6 hours' } } });
    await site.at('2026-11-18T00:00:00Z', 'tick', '--cron');
    for (const hour of ['03:59', '04:02', '10:01']) await site.at(`2026-11-18T${hour}:00Z`, 'tick', '--cron');
    expect(site.entries('cert-audit').filter(({ run }) => run !== null)).toHaveLength(2);
    expect(site.entries('daily')).toEqual([]);
  });
});
