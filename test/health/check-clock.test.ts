import { expect } from 'vitest';
import { checkClock, clockSettings, judgeClock } from '../../src/health/check-clock.ts';
import { test } from '../support/database.ts';

const SETTINGS = clockSettings.parse({});

test('clocks that agree, as far as the way there and back lets one see, are fine', () => {
  for (const theirs of [10_000, 10_500, 14_000])
    expect(judgeClock({ theirs, before: 10_000, after: 14_000 }, SETTINGS, 'db')).toMatchObject({
      status: 'done',
      summary: 'less than 1.0 s apart',
      samples: [{ value: 0 }],
    });
});

test('clocks warn from one second and fail from five seconds apart on, in both directions', () => {
  const judged = (theirs: number) => judgeClock({ theirs, before: 10_000, after: 10_010 }, SETTINGS, 'db');
  expect(judged(11_000).status).toBe('done');
  expect(judged(11_010)).toMatchObject({
    status: 'warn',
    summary: 'the clock of the database is 1.0 s ahead of that of this host',
    remediation: expect.arrayContaining([expect.stringContaining('timedatectl')]),
  });
  expect(judged(9_000)).toMatchObject({ status: 'warn', summary: expect.stringContaining('1.0 s behind that') });
  expect(judged(15_010).status).toBe('fail');
  expect(judged(5_000).status).toBe('fail');
});

test('a real server is asked, and a wrong clock here is found', async ({ reader }) => {
  expect((await checkClock(reader, SETTINGS, () => new Date())).status).toBe('done');
  const slow = await checkClock(reader, SETTINGS, () => new Date(Date.now() - 60_000));
  expect(slow).toMatchObject({ status: 'fail', summary: expect.stringContaining('ahead of that of this host') });
});
