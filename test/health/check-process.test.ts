import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkProcess } from '../../src/health/check-process.ts';
import { around, series } from '../support/looking.ts';

const NOW = new Date('2026-11-21T03:00:00Z');
const HOUR_MS = 3_600_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'maint-process-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A systemctl that says this of every unit, and writes down how it was called. */
function systemctl(said: Readonly<Record<string, string | number>>): string {
  const path = join(folder, 'systemctl');
  const lines = Object.entries(said).map(([key, value]) => `${key}=${value}`);
  writeFileSync(path, `#!/bin/sh\necho "$@" > '${folder}/asked'\ncat <<'END'\n${lines.join('\n')}\nEND\n`);
  chmodSync(path, 0o755);
  return path;
}

const RUNNING = { LoadState: 'loaded', ActiveState: 'active', SubState: 'running', Result: 'success', NRestarts: 4 };

async function check(said: Readonly<Record<string, string | number>>, restarts: readonly number[] = []) {
  const history = { samples: () => series(restarts, HOUR_MS, NOW) };
  return checkProcess({ unit: 'app.service', warnRestarts: 3 }, around({ now: () => NOW, history }), systemctl(said));
}

test('a unit that runs is fine, and leaves the count of its restarts', async () => {
  expect(await check(RUNNING, [4, 4])).toMatchObject({
    status: 'done',
    summary: 'running',
    samples: [{ name: 'process.restarts', subject: 'app.service', value: 4, unit: 'count' }],
  });
});

test('three restarts within a day warn; a count that began anew with a boot counts from nothing', async () => {
  expect(await check(RUNNING, [1, 2, 4])).toMatchObject({
    status: 'warn',
    summary: 'running, but restarted 3 times within a day',
  });
  expect(await check({ ...RUNNING, NRestarts: 2 }, [9, 9])).toMatchObject({ status: 'done' });
});

test('a unit that failed, or that there is not, fails', async () => {
  const failed = { ...RUNNING, ActiveState: 'failed', SubState: 'failed', Result: 'oom-kill' };
  expect(await check(failed)).toMatchObject({
    status: 'fail',
    summary: 'failed (failed), the last process ended with oom-kill',
    remediation: expect.arrayContaining([`systemctl status 'app.service'`]),
  });
  expect(await check({ LoadState: 'not-found', ActiveState: 'inactive' })).toMatchObject({
    status: 'fail',
    summary: 'there is no such unit',
  });
});

test('without systemd nothing is found out', async () => {
  const settings = { unit: 'app.service', warnRestarts: 3 };
  await expect(checkProcess(settings, around(), join(folder, 'nowhere'))).rejects.toMatchObject({
    code: 'PROGRAM_MISSING',
  });
  const silent = join(folder, 'silent');
  writeFileSync(silent, '#!/bin/sh\necho "Failed to connect to bus" >&2\nexit 1\n');
  chmodSync(silent, 0o755);
  await expect(checkProcess(settings, around(), silent)).rejects.toMatchObject({
    code: 'PROGRAM_MISSING',
    message: 'systemd does not answer: Failed to connect to bus',
  });
});

test('a pid file is fine while its process lives', async () => {
  const pidFile = join(folder, 'app.pid');
  expect(await checkProcess({ pidFile }, around())).toMatchObject({
    status: 'fail',
    summary: 'not running: there is no pid file',
  });
  writeFileSync(pidFile, `${process.pid}\n`);
  expect(await checkProcess({ pidFile }, around())).toMatchObject({ status: 'done' });
  writeFileSync(pidFile, '4194304999\n');
  expect(await checkProcess({ pidFile }, around())).toMatchObject({ status: 'fail' });
  writeFileSync(pidFile, 'soon\n');
  await expect(checkProcess({ pidFile }, around())).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
});
