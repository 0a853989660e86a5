import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { openJournalToRead } from '../../src/engine/sqlite-journal.ts';
import type { LedgerEntry } from '../../src/engine/ledger.ts';
import { runMaint, startMaint } from '../support/maint.ts';
import { until } from '../support/process-table.ts';
import { test, type Site } from '../support/site.ts';

const SLOT = '2026-11-21T03:17:00Z';

/** The time that a holder must be silent for, as if it had gone by. */
async function letLeaseExpire(site: Site): Promise<void> {
  await site.database.query(`UPDATE maint.lease SET expires_at = now() - interval '1 second'`);
}

const slotOf = async (site: Site): Promise<object | undefined> =>
  (await site.database.query<object>('SELECT name, run_id, fence::int, result FROM maint.slot'))[0];

function entries(folder: string, job: string): readonly LedgerEntry[] {
  using journal = openJournalToRead(folder);
  return journal.ledger.entries(job, 10);
}

describe('a run whose host was frozen until another took its lease over', () => {
  test('does not write its result over that of the other, and both say what they are', async ({ site }) => {
    const elsewhere = `${site.folder}/elsewhere`;
    const at = (name: string): string => `${site.folder}/${name}`;
    site.shadow(
      'zstd',
      `if [ -e ${at('hold')} ]; then touch ${at('held')}; while [ ! -e ${at('go')} ]; do sleep 0.1; done; fi
      exec /usr/bin/zstd "$@"`,
    );
    writeFileSync(at('hold'), '');
    const frozen = site.start('daily', '--slot', SLOT, '--json');
    await until('the first is at work', () => existsSync(`${site.folder}/held`));
    frozen.child.kill('SIGSTOP');
    await letLeaseExpire(site);
    rmSync(at('hold'));
    site.configure({ backups: { directory: `${elsewhere}/backups` } });
    const taken = await site.run('daily', '--slot', SLOT, '--json', '--state', elsewhere);
    expect(taken.exitCode).toBe(0);
    const newer = JSON.parse(taken.stdout);
    expect(newer).toMatchObject({ fence: 2, verdict: 'done', notices: [] });
    const written = { name: 'app/daily', run_id: newer.run, fence: 2, result: 'done' };
    expect(await slotOf(site)).toEqual(written);

    writeFileSync(`${site.folder}/go`, '');
    frozen.child.kill('SIGCONT');
    const woken = await frozen.ended;
    expect(woken.exitCode).toBe(1);
    expect(JSON.parse(woken.stdout)).toMatchObject({
      fence: 1,
      notices: [expect.stringMatching(/fence 1 was taken over by .*elsewhere.* \(fence 2\).*does not count/)],
    });
    expect(await slotOf(site), 'what the other has written stays').toEqual(written);
    expect(entries(site.state, 'daily')).toMatchObject([
      { status: 'killed', fence: 1, reason: expect.stringContaining('lease was lost') },
    ]);
    expect(entries(`${elsewhere}/app`, 'daily')).toMatchObject([
      { status: 'late', exitCode: 0, fence: 2, reason: null },
    ]);
    const history = JSON.parse((await site.run('history', '--json')).stdout);
    expect(history.runs).toMatchObject([{ fence: 1 }]);
    const again = await site.run('daily', '--slot', SLOT);
    expect(again, 'the slot is done').toMatchObject({ exitCode: 3, stderr: expect.stringContaining('already done') });
  });

  test('holds for a command under exec, whose exit code stays its own', async ({ site }) => {
    const exec = (script: string, ...flags: readonly string[]) => ({
      args: ['exec', '--job', 'etl', '--slot', SLOT, '--config', site.configFile, ...flags, '--', 'sh', '-c', script],
      env: site.env,
      cwd: site.folder,
    });
    const frozen = startMaint(exec('touch held; while [ ! -e go ]; do sleep 0.1; done'));
    await until('the first is at work', () => existsSync(`${site.folder}/held`));
    frozen.child.kill('SIGSTOP');
    await letLeaseExpire(site);
    const elsewhere = `${site.folder}/elsewhere`;
    expect((await runMaint(exec('exit 0', '--state', elsewhere))).exitCode).toBe(0);
    const written = await slotOf(site);
    expect(written).toMatchObject({ name: 'app/etl/etl', fence: 2, result: 'done' });
    writeFileSync(`${site.folder}/go`, '');
    frozen.child.kill('SIGCONT');
    const woken = await frozen.ended;
    expect(woken).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('the lease was lost') });
    expect(await slotOf(site)).toEqual(written);
    expect(entries(site.state, 'etl')).toMatchObject([{ status: 'killed', exitCode: 0, fence: 1 }]);
  });
});

describe('a run whose database goes away before its end', () => {
  /** Shuts the door of the database behind whoever is in. */
  const shut = ({ database: { name, url } }: Site): string =>
    `psql -X -q -o /dev/null '${url.replace(`/${name}?`, '/postgres?')}' -c 'ALTER DATABASE ${name} ALLOW_CONNECTIONS false'` +
    ` -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'"`;

  test('comes to its end all the same, and says that other hosts do not know', async ({ site }) => {
    const said = 'the database did not answer when the slot was to be marked as done';
    const command = ['--', 'sh', '-c', `${shut(site)}; exit 0`];
    const args = ['exec', '--job', 'etl', '--slot', SLOT, '--config', site.configFile, ...command];
    const end = await runMaint({ args, env: site.env, cwd: site.folder });
    expect(end).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(said) });
    expect(entries(site.state, 'etl')).toMatchObject([{ status: 'late', exitCode: 0 }]);
  });

  test('prints its report, as a round does too', async ({ site }) => {
    site.shadow('zstd', `case "$*" in *-d*|*--version*) ;; *) ${shut(site)} ;; esac\nexec /usr/bin/zstd "$@"`);
    const end = await site.run('daily', '--slot', SLOT, '--json');
    expect(JSON.parse(end.stdout)).toMatchObject({ command: 'daily', fence: 1 });
    expect(entries(site.state, 'daily')).toMatchObject([{ exitCode: end.exitCode, finishedAt: expect.any(String) }]);
  });
});
