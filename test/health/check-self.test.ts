import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JobFate, Self } from '../../src/engine/self.ts';
import { lookOnce } from '../support/looking.ts';

function self(more: Partial<Omit<Self, 'jobs'>> = {}, ...jobs: readonly JobFate[]): Self {
  return { stateDirectory: tmpdir(), notices: [], isDurable: true, jobs: () => jobs, ...more };
}

const FINE: JobFate = { job: 'daily', missed: [], skipped: [], ends: ['ok', 'failed'] };

async function jobs(...fates: readonly JobFate[]) {
  return lookOnce('jobs', {}, { self: self({}, ...fates) });
}

test('jobs that ran in time are fine, and none that has never run is late', async () => {
  expect(await jobs(FINE)).toMatchObject({ status: 'done', summary: '1 job, none late' });
  expect(await jobs({ ...FINE, ends: [] })).toMatchObject({ status: 'skip' });
});

test('a missed slot and a second failure fail; a skipped slot and a killed run warn', async () => {
  const missed = ['2026-11-20T03:17:00.000Z', '2026-11-21T03:17:00.000Z'];
  expect(await jobs(FINE, { ...FINE, job: 'weekly', missed })).toMatchObject({
    status: 'fail',
    summary: 'weekly: 2 slots missed, the newest at 2026-11-21 03:17 UTC',
    remediation: expect.arrayContaining([expect.stringContaining('maint status')]),
  });
  expect(await jobs({ ...FINE, ends: ['failed', 'failed'] })).toMatchObject({ status: 'fail' });
  expect(await jobs({ ...FINE, ends: ['failed', 'ok'] })).toMatchObject({ status: 'done' });
  expect(await jobs({ ...FINE, ends: ['killed'] })).toMatchObject({ status: 'warn' });
  const skipped = [{ slot: missed[0] ?? '', reason: 'another run was at work' }];
  expect(await jobs({ ...FINE, skipped })).toMatchObject({
    status: 'warn',
    summary: 'daily: 1 slot skipped: another run was at work',
  });
});

test('a journal that cannot be kept warns, one with a fault too, and so does want of room', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'maint-state-'));
  try {
    const state = (more: Partial<Self>, settings: object = {}) =>
      lookOnce('state', settings, { self: self({ stateDirectory: join(folder, 'not/yet'), ...more }) });
    expect(await state({})).toMatchObject({
      status: 'done',
      summary: expect.stringMatching(/^can be written, .* free$/),
    });
    expect(await state({ isDurable: false, notices: ['it is read-only'] })).toMatchObject({
      status: 'warn',
      summary: 'it is read-only',
    });
    expect(await state({ notices: ['the journal was damaged'] })).toMatchObject({ status: 'warn' });
    expect(await state({}, { state: { warnFree: '900 TB' } })).toMatchObject({ status: 'warn' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
