import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { configSchema } from '../src/config/schema.ts';
import { TIERS } from '../src/engine/task.ts';
import { MAINT } from './support/maint.ts';
import { test, type Site } from './support/site.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../crontab.example'), 'utf8');
const PROGRAM = '/usr/local/bin/maint';
const CONFIG = '/etc/maint/maint.yaml';

const lines = TEXT.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
const variables = new Map(
  lines
    .filter((line) => /^[A-Z_]+=/.test(line))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
);
const jobs = lines
  .filter((line) => !/^[A-Z_]+=/.test(line))
  .map((line) => {
    const fields = line.split(/\s+/);
    return { schedule: fields.slice(0, 5).join(' '), command: fields.slice(5).join(' ') };
  });

test('the crontab has one job for each tier and a tick, by absolute paths', () => {
  expect(jobs.map(({ command }) => command)).toEqual(
    [...TIERS, 'tick'].map((tier) => `${PROGRAM} ${tier} --cron --config ${CONFIG}`),
  );
});

test('its jobs start when maint expects them by default', async () => {
  const { schedule } = await configSchema([]).parseAsync({});
  expect(Object.fromEntries(TIERS.map((tier, index) => [tier, jobs[index]?.schedule]))).toEqual(
    Object.fromEntries(TIERS.map((tier) => [tier, schedule[tier]])),
  );
});

test('no job starts at the full hour, when everybody else starts', () => {
  for (const { schedule } of jobs) expect(schedule).toMatch(/^(?!0+ )\d+(-59\/5)? /);
});

test('it tells cron which shell to use, where to search and whom to write to', () => {
  expect([...variables.keys()]).toEqual(['SHELL', 'PATH', 'MAILTO']);
  expect(variables.get('SHELL')).toBe('/bin/sh');
  expect(variables.get('PATH')).toMatch(/^\/[\w/]+(?::\/[\w/]+)*$/);
  expect(variables.get('MAILTO')).toMatch(/\S/);
});

test('nothing in it is read by cron in another way than by a shell', () => {
  // A percent sign ends a command, a variable in a value is not filled in, a last line without an end is not read.
  expect(lines.filter((line) => line.includes('%'))).toEqual([]);
  expect([...variables.values()].filter((value) => /[$~]/.test(value))).toEqual([]);
  expect(TEXT.endsWith('\n')).toBe(true);
});

test('the address of the database is not in it', () => {
  expect(TEXT).not.toMatch(/DATABASE_URL|postgres(?:ql)?:\/\//);
});

test('every job runs with an empty environment and says nothing', { timeout: 120_000 }, async ({ site }) => {
  site.configure({ database: { url: site.database.url }, alerts: {} });
  site.shadow('maint', `exec '${process.execPath}' '${MAINT}' "$@"`);
  for (const { command } of jobs) {
    expect({ command, ...(await runAsCron(site, command)) }).toEqual({ command, exitCode: 0, stdout: '', stderr: '' });
  }
  expect(site.visible()).toHaveLength(1);
});

test('a job that finds something wrong says so, for the mail', async ({ site }) => {
  site.configure({ database: { url: site.database.url.replace(site.database.name, 'nowhere') }, alerts: {} });
  site.shadow('maint', `exec '${process.execPath}' '${MAINT}' "$@"`);
  const { exitCode, stdout } = await runAsCron(site, jobs[0]?.command ?? '');
  expect(exitCode).not.toBe(0);
  expect(stdout).toContain('nowhere');
});

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as cron would on a machine whose crontab says nothing of its own, with maint in the site's folder. */
async function runAsCron({ folder, configFile }: Site, command: string): Promise<Ended> {
  const here = command.replace(PROGRAM, join(folder, 'bin', 'maint')).replace(CONFIG, configFile);
  const script = join(folder, 'job.sh');
  writeFileSync(script, `${here}\necho $? >'${folder}/exit'\n`);
  const environment = [`HOME=${folder}`, 'LOGNAME=root', 'SHELL=/bin/sh', 'PATH=/usr/bin:/bin'];
  const { stdout, stderr } = await promisify(execFile)('env', ['-i', ...environment, '/bin/sh', script]);
  return { exitCode: Number(readFileSync(join(folder, 'exit'), 'utf8')), stdout, stderr };
}
