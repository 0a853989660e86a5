import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { openJournalToRead } from '../../src/engine/sqlite-journal.ts';
import type { LedgerEntry } from '../../src/engine/ledger.ts';
import { runMaint, startMaint, type MaintRequest } from '../support/maint.ts';
import { until } from '../support/process-table.ts';
import { isAlive } from '../support/processes.ts';
import { test, type Site } from '../support/site.ts';

/** `maint exec` with the flags before `--` and the command behind it. */
function call(site: Site, flags: string, ...command: readonly string[]): MaintRequest {
  const words = flags.split(' ').filter((word) => word !== '');
  return { args: ['exec', ...words, '--config', site.configFile, '--', ...command], env: site.env, cwd: site.folder };
}

function entries(site: Site, job: string): readonly LedgerEntry[] {
  using journal = openJournalToRead(site.state);
  return journal.ledger.entries(job, 10);
}

/** What the dead man's switch was told, in order. */
const pings = ({ receiver }: Site): readonly string[] =>
  receiver.requests
    .filter(({ path }) => path.startsWith('/ping/'))
    .map(({ path }) => path.slice(receiver.pingUrl.length - receiver.origin.length));

/** Every message that the webhook got, as text. */
const alarms = ({ receiver }: Site): readonly string[] =>
  receiver.requests.filter(({ path }) => path.startsWith('/hook')).map(({ body }) => body);

describe('maint exec', () => {
  test('hands the exit code on, writes it down, pings and alerts', async ({ site }) => {
    const heartbeat = site.receiver.pingUrl;
    site.configure({ jobs: [{ name: 'etl', heartbeat }] });
    const failed = await runMaint(call(site, '--job etl', 'sh', '-c', 'echo out; echo err >&2; exit 7'));
    expect(failed).toMatchObject({ exitCode: 7, stdout: 'out\n' });
    expect(failed.stderr).toContain('err\n');
    expect(failed.stderr).toContain('etl: ended with exit code 7');
    expect(entries(site, 'etl')).toMatchObject([{ status: 'failed', exitCode: 7, slot: null }]);
    expect(pings(site)).toEqual(['/start', '/7']);
    expect(alarms(site)).toEqual([expect.stringContaining('exit code 7')]);
    expect((await runMaint(call(site, '--job other', 'true'))).exitCode).toBe(0);
    expect(alarms(site), 'that another job is well is no end of this').toHaveLength(1);
    for (const path of ['/hook', '/services']) site.receiver.at(path, { status: 404 });
    const unheard = await runMaint(call(site, '--job etl', 'true'));
    expect(unheard).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('no channel took') });
    expect(pings(site).slice(2), 'no success while nobody can be told').toEqual(['/start', '/1']);
    for (const path of ['/hook', '/services']) site.receiver.at(path, {});
    const taken = alarms(site).length;
    const well = await runMaint(call(site, '--job etl', 'true'));
    expect(alarms(site).length).toBeGreaterThan(taken);
    expect(well).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expect(pings(site).slice(4)).toEqual(['/start', '/0']);
  });

  test('says as a shell does that there is no such program', async ({ site }) => {
    expect((await runMaint(call(site, '', 'no-such-program'))).exitCode).toBe(127);
    expect((await runMaint(call(site, '', site.configFile))).exitCode).toBe(126);
    expect((await runMaint(call(site, '--job daily', 'true'))).exitCode).toBe(2);
  });

  test('ends the whole process group after its timeout', async ({ site }) => {
    const ended = await runMaint(call(site, '--job deaf --timeout 1s', 'sh', '-c', 'sleep 60 & echo $!; wait'));
    expect(ended.exitCode).toBe(124);
    expect(isAlive(Number(ended.stdout))).toBe(false);
    expect(entries(site, 'deaf')).toMatchObject([{ status: 'killed', exitCode: 124 }]);
  });

  test('hands a signal on to the command, and keeps a second one of the same job away', async ({ site }) => {
    const script = `trap 'echo heard; exit 9' TERM; echo ready; while :; do sleep 0.1; done`;
    const running = startMaint(call(site, '--job slow', 'sh', '-c', script));
    await until('the command runs', () => running.said().includes('ready'));
    const second = await runMaint(call(site, '--job slow', 'echo', 'twice'));
    expect(second).toMatchObject({ exitCode: 3, stdout: '' });
    expect(await runMaint(call(site, '--job slow --cron', 'echo', 'twice'))).toMatchObject({ exitCode: 0, stdout: '' });
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ exitCode: 9, stdout: 'ready\nheard\n' });
    expect(entries(site, 'slow').map(({ status }) => status)).toEqual(['skipped', 'failed']);
  });

  test('begins no second command beside one that outlived a kill -9, and names it', async ({ site }) => {
    const running = startMaint(call(site, '--job left', 'sh', '-c', 'echo $$ ready; exec sleep 60 >/dev/null 2>&1'));
    await until('the command runs', () => running.said().includes('ready'));
    const left = Number.parseInt(running.said(), 10);
    await until('the command is written down', () => entries(site, 'left').some(({ pid }) => pid === left));
    try {
      running.child.kill('SIGKILL');
      await running.ended;
      const refused = await runMaint(call(site, '--job left', 'echo', 'twice'));
      expect(refused).toMatchObject({ exitCode: 3, stdout: '' });
      expect(refused.stderr).toContain(`still runs: process ${left}`);
      expect(await runMaint(call(site, '--job left --cron', 'echo', 'twice'))).toMatchObject({
        exitCode: 0,
        stdout: '',
      });
    } finally {
      process.kill(left, 'SIGKILL');
    }
    await until('the command is gone', () => !isAlive(left));
    expect((await runMaint(call(site, '--job left', 'echo', 'again'))).stdout).toBe('again\n');
    expect(entries(site, 'left').map(({ status }) => status)).toContain('ok');
  });

  test('gives a slot to one of several hosts, and to none where nobody can tell them apart', async ({ site }) => {
    site.configure({ jobs: [{ name: 'etl', schedule: '0 3 * * *' }] });
    const host = (name: string): MaintRequest =>
      call(
        site,
        `--job etl --slot auto --cron --state ${join(site.folder, name)}`,
        'sh',
        '-c',
        `echo x >> ${site.folder}/ran`,
      );
    const ends = await Promise.all(['a', 'b', 'c'].map((name) => runMaint(host(name))));
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect((await runMaint(host('late'))).exitCode).toBe(0);
    expect(readFileSync(join(site.folder, 'ran'), 'utf8')).toBe('x\n');
    site.env['DATABASE_URL'] = 'postgres://nobody@127.0.0.1:1/app';
    const alone = await runMaint(host('alone'));
    expect(alone).toMatchObject({ exitCode: 4 });
    expect(alone.stderr).toContain('no coordinator');
    expect(readFileSync(join(site.folder, 'ran'), 'utf8')).toBe('x\n');
  });
});
