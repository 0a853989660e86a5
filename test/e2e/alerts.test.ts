import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject } from 'vitest';
import { startCluster } from '../../src/adapters/cluster.ts';
import { queryOnce } from '../support/database.ts';
import { test, type Site } from '../support/site.ts';

/** Runs `maint daily` in trouble twice and well once, and looks at what the channels were told. */
async function tellTale(
  site: Site,
  wellUrl: string,
): Promise<{ readonly exitCodes: readonly (number | null)[]; readonly output: string }> {
  const first = await site.run('daily');
  const second = await site.run('daily');
  expect([...site.visible(), ...site.hidden()], 'nothing that looks like a backup').toEqual([]);
  site.env['DATABASE_URL'] = wellUrl;
  const third = await site.run('daily');
  return { exitCodes: [first.exitCode, second.exitCode, third.exitCode], output: first.stdout };
}

function typesTold(site: Site, path: string): readonly unknown[] {
  return site.receiver
    .accepted()
    .filter((request) => request.path.startsWith(path))
    .map(({ json }) => (typeof json === 'object' && json !== null && 'type' in json ? json.type : 'slack'));
}

describe('trouble with the database is one alert, told once, and its end is told too', () => {
  test('when the server is down', async ({ site }) => {
    const well = site.database.url;
    site.env['DATABASE_URL'] = 'postgres://postgres@127.0.0.1:1/app';
    const { exitCodes, output } = await tellTale(site, well);
    expect(exitCodes).toEqual([1, 1, 0]);
    expect(output).toContain('DATABASE_UNREACHABLE');
    expect(typesTold(site, '/hook')).toEqual(['maint.alert.firing', 'maint.alert.resolved']);
    expect(typesTold(site, '/services')).toEqual(['slack', 'slack']);
    expect(site.receiver.requests.filter(({ violation }) => violation !== undefined)).toEqual([]);
  });

  test('when the database does not exist', async ({ site }) => {
    const well = site.database.url;
    site.env['DATABASE_URL'] = well.replace(site.database.name, 'nosuchdb');
    const { exitCodes, output } = await tellTale(site, well);
    expect(exitCodes).toEqual([1, 1, 0]);
    expect(output).toContain('DATABASE_NOT_FOUND');
    expect(typesTold(site, '/hook')).toEqual(['maint.alert.firing', 'maint.alert.resolved']);
  });

  test('when the password is wrong', async ({ site }) => {
    await using cluster = await startCluster({
      binDirectory: inject('binDirectory'),
      parentDirectory: tmpdir(),
      uid: process.getuid?.(),
    });
    const url = (password: string): string =>
      `postgres://app:${password}@/postgres?host=${cluster.socketDirectory}&port=${cluster.port}`;
    await queryOnce(cluster.url('postgres'), `CREATE ROLE app LOGIN SUPERUSER PASSWORD 'right-one'`);
    const hba = join(cluster.directory, 'data', 'pg_hba.conf');
    writeFileSync(hba, `local all app scram-sha-256\n${readFileSync(hba, 'utf8')}`);
    await queryOnce(cluster.url('postgres'), 'SELECT pg_reload_conf()');
    site.env['DATABASE_URL'] = url('wrong-one');
    const { exitCodes, output } = await tellTale(site, url('right-one'));
    expect(exitCodes).toEqual([1, 1, 0]);
    expect(output).toContain('DATABASE_LOGIN_REFUSED');
    expect(output).not.toContain('wrong-one');
    expect(typesTold(site, '/hook')).toEqual(['maint.alert.firing', 'maint.alert.resolved']);
  });

  test('when the client programs are older than the server', async ({ site }) => {
    await using newer = await startCluster({
      binDirectory: inject('embeddedBinDirectory'),
      parentDirectory: tmpdir(),
      uid: process.getuid?.(),
    });
    const well = site.database.url;
    site.env['DATABASE_URL'] = newer.url('postgres');
    const { exitCodes, output } = await tellTale(site, well);
    expect(exitCodes).toEqual([4, 4, 0]);
    expect(output).toContain('too_old');
    expect(output).toContain('postgresql-client-18');
    expect(typesTold(site, '/hook')).toEqual(['maint.alert.firing', 'maint.alert.resolved']);
  });
});

describe('an alert that nobody takes', () => {
  test('makes the exit code 1, waits in the spool, and goes out with the next run', async ({ site }) => {
    site.env['DATABASE_URL'] = 'postgres://postgres@127.0.0.1:1/app';
    site.receiver.always({ status: 404 });
    const refused = await site.run('health');
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toMatch(/undelivered|not delivered|could not be delivered/i);
    site.receiver.always({});
    await site.run('health');
    expect(typesTold(site, '/hook')).toEqual(['maint.alert.firing']);
  });

  test('is the reason for exit code 1 even when nothing else is wrong', async ({ site }) => {
    site.env['DATABASE_URL'] = 'postgres://postgres@127.0.0.1:1/app';
    await site.run('health');
    site.env['DATABASE_URL'] = site.database.url;
    site.receiver.always({ status: 404 });
    expect((await site.run('health')).exitCode).toBe(1);
  });
});
