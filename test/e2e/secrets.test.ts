import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject } from 'vitest';
import { startCluster } from '../../src/adapters/cluster.ts';
import { queryOnce } from '../support/database.ts';
import { processes } from '../support/process-table.ts';
import { test, type Site } from '../support/site.ts';

const PASSWORD = 'pa55w0rd-planted-in-the-url';
const TOKEN = 'token-planted-in-the-webhook';
const KEY = `whsec_${Buffer.from('signing-key-planted-in-the-config').toString('base64')}`;
const PLANTED = [PASSWORD, TOKEN, KEY, KEY.slice(6)];

/** Runs maint and looks at every command line on the machine again and again until it ends. */
async function watched(
  site: Site,
  ...args: readonly string[]
): Promise<{ readonly output: string; readonly commandLines: string }> {
  const seen = new Set<string>();
  const look = setInterval(() => {
    for (const { commandLine } of processes()) seen.add(commandLine);
  }, 3);
  const { stdout, stderr } = await site.start(...args).ended;
  clearInterval(look);
  return { output: stdout + stderr, commandLines: [...seen].join('\n') };
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('a planted secret', () => {
  test('is found nowhere: argv, log, journal, report, alert, backup', async ({ site }) => {
    await using cluster = await startCluster({
      binDirectory: inject('binDirectory'),
      parentDirectory: tmpdir(),
      uid: process.getuid?.(),
    });
    await queryOnce(cluster.url('postgres'), `CREATE ROLE app LOGIN SUPERUSER PASSWORD '${PASSWORD}'`);
    await queryOnce(cluster.url('postgres'), 'CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 50000) g');
    site.env['DATABASE_URL'] =
      `postgres://app:${PASSWORD}@/postgres?host=${cluster.socketDirectory}&port=${cluster.port}`;
    site.env['HOOK_URL'] = `${site.receiver.webhookUrl}?token=${TOKEN}`;
    site.configure({
      log: { level: 'trace' },
      alerts: { channels: [{ name: 'hook', type: 'webhook', url: '${HOOK_URL}', signingKey: KEY }] },
    });

    const good = await watched(site, 'daily', '-v');
    expect(good.output).toContain('read back');
    expect(good.commandLines).toContain('pg_dump');
    const shown = await site.run('config', 'print');
    const doctor = await site.run('doctor');
    await cluster.stop();
    const bad = await watched(site, 'daily', '-v');
    const json = await site.run('daily', '--json');
    site.env['HOOK_URL'] = `http://127.0.0.1:1/hook?token=${TOKEN}`;
    const undelivered = await site.run('alert', 'test');

    const places: Readonly<Record<string, string>> = {
      argv: good.commandLines + bad.commandLines,
      'report and diary': good.output + bad.output + json.stdout + json.stderr,
      'config print': shown.stdout + shown.stderr,
      doctor: doctor.stdout + doctor.stderr,
      'alert test': undelivered.stdout + undelivered.stderr,
      alerts: site.receiver.requests.map(({ body }) => body).join('\n'),
    };
    expect(site.receiver.requests.length).toBeGreaterThan(0);
    for (const [place, text] of Object.entries(places))
      for (const secret of PLANTED) expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
    for (const file of filesBelow(site.folder).filter((name) => name !== site.configFile)) {
      const bytes = readFileSync(file);
      for (const secret of PLANTED) expect(bytes.includes(secret), `${secret} in ${file}`).toBe(false);
    }
  });
});
