import { mkdirSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { takeTurn, type TurnRequest } from '../../src/cli/turn.ts';
import { openJournal } from '../../src/engine/sqlite-journal.ts';
import type { Journal } from '../../src/engine/journal.ts';
import { test } from '../support/state.ts';
import { quietSite } from '../support/quiet-site.ts';

const SLOT = new Date('2026-11-22T04:47:00Z');

const request = (folder: string, journal: Journal, job: string): TurnRequest => ({
  stateDirectory: folder,
  journal,
  coordination: undefined,
  project: 'app',
  host: 'a',
  run: `run of ${job}`,
  scope: 'project',
  job,
  slot: SLOT,
  onLost: () => undefined,
});

describe('a round that finds another one at work', () => {
  test('waits for it, and does not lose its slot', async ({ folder }) => {
    mkdirSync(folder, { recursive: true });
    using journal = openJournal(folder, SLOT);
    const daily = await takeTurn(request(folder, journal, 'daily'));
    const waits: string[] = [];
    const patience = { everyMs: 10, tries: 500, signal: new AbortController().signal };
    const weekly = takeTurn({
      ...request(folder, journal, 'weekly'),
      patience: {
        ...patience,
        onWait: (reason) => {
          waits.push(reason);
          void daily[Symbol.asyncDispose]();
        },
      },
    });
    await using turn = await weekly;
    expect(waits).toEqual([expect.stringContaining('another run holds the lock of app')]);
    expect(await turn.finishSlot(SLOT, 'done')).toBe('everywhere');
    expect(journal.claimedSlot('weekly')).toEqual({ slot: SLOT, isFinished: true });
  });

  test('gives up in the end, at once where the other does the very same slot, and when it is stopped', async ({
    folder,
  }) => {
    using journal = openJournal(folder, SLOT);
    await using _daily = await takeTurn(request(folder, journal, 'daily'));
    const waits: string[] = [];
    const controller = new AbortController();
    const patience = {
      everyMs: 5,
      tries: 2,
      signal: controller.signal,
      onWait: (reason: string) => waits.push(reason),
    };
    const asked = (job: string) => takeTurn({ ...request(folder, journal, job), patience: { ...patience } });
    await expect(asked('weekly')).rejects.toMatchObject({ code: 'LOCKED' });
    expect(waits).toHaveLength(1);
    await expect(asked('daily')).rejects.toMatchObject({ code: 'LOCKED', detail: 'lock.same_slot' });
    expect(waits).toHaveLength(1);
    controller.abort('SIGTERM');
    await expect(asked('weekly')).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a scheduled round without a coordinator', () => {
  test('only looks, says what it left out, and is made up for once the database answers', async () => {
    const site = quietSite({
      database: { url: 'postgres://nobody@127.0.0.1:1/app', connectTimeout: '1s' },
      tasks: { prune: { enabled: true } },
    });
    await site.at('2026-11-19T12:00:00Z', 'tick', '--cron');
    const night = await site.at('2026-11-20T03:17:01Z', 'daily', '--cron');
    expect(night.exitCode).toBe(4);
    expect(night.out).toMatch(/prune .*skipped: no coordinator/);
    expect(night.out).not.toMatch(/cert-audit .*coordinator/);
    expect(site.entries('daily')).toMatchObject([
      { status: 'skipped', reason: expect.stringContaining('no coordinator') },
    ]);
    const ticked = await site.at('2026-11-20T03:20:00Z', 'tick', '--cron');
    expect(ticked.exitCode).toBe(4);
    expect(ticked.out).toContain('no coordinator');
    expect(site.entries('daily'), 'a tick does not try in vain').toHaveLength(1);
    const status = await site.at('2026-11-20T04:00:00Z', 'status');
    expect(status).toMatchObject({
      exitCode: 1,
      out: expect.stringContaining('skipped 2026-11-20T03:17Z: no coordinator'),
    });
    site.configure({ tasks: { prune: { enabled: true } }, database: { coordination: 'off' } });
    expect((await site.at('2026-11-20T04:05:00Z', 'tick', '--dry-run')).out).toContain('would run daily of 2026-11-20');
  });
});
