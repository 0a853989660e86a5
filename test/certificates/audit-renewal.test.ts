import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { auditRenewal } from '../../src/certificates/audit-renewal.ts';
import { renewalClients } from '../../src/certificates/renewal-clients.ts';
import type { Outcome } from '../../src/engine/outcome.ts';

/** As much of a host as says who renews certificates. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'maint-renewal-'));
  return () => rmSync(root, { recursive: true });
});

function put(path: string, text = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

type Units = Readonly<Record<string, string>>;

/** A systemctl that knows these units, each as `ActiveState UnitFileState Result`; `undefined` for a host without systemd. */
function systemctl(units: Units | undefined): string {
  const path = join(root, 'systemctl');
  const cases = Object.entries(units ?? {}).map(([unit, said]) => {
    const [active, enabled, result] = said.split(' ');
    return `${unit}) printf 'LoadState=loaded\\nActiveState=${active}\\nUnitFileState=${enabled}\\nResult=${result}\\n' ;;`;
  });
  const answer = `case "$4" in\n${cases.join('\n')}\n*) echo LoadState=not-found ;;\nesac`;
  const absent = 'echo "System has not been booted with systemd" >&2; exit 1';
  writeFileSync(path, `#!/bin/sh\n${units === undefined ? absent : answer}\n`);
  chmodSync(path, 0o755);
  return path;
}

async function audit(units: Units | undefined): Promise<readonly Outcome[]> {
  const machine = { root, systemctl: systemctl(units), signal: new AbortController().signal };
  return Promise.all((await renewalClients(root)).map((client) => auditRenewal(client, machine)));
}

const WELL = 'active enabled success';
const DEBIAN =
  '# renews\n0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system && perl -e "sleep int(rand(43200))" && certbot -q renew\n';

test('a host on which nothing renews by itself has nothing to look at', async () => {
  put('etc/letsencrypt/renewal/README');
  expect(await audit({})).toEqual([]);
});

test('certbot with a timer that runs and a last renewal that went well is fine', async () => {
  put('etc/letsencrypt/renewal/app.test.conf');
  expect(await audit({ 'certbot.timer': WELL, 'certbot.service': 'inactive static success' })).toMatchObject([
    { status: 'done', summary: 'certbot is started by certbot.timer', facts: { lastResult: 'success' } },
  ]);
});

test.each([
  { timer: 'inactive disabled success', grade: 'fail', what: 'certbot.timer is inactive and disabled' },
  { timer: 'failed enabled resources', grade: 'fail', what: 'certbot.timer is failed' },
  { timer: 'inactive masked success', grade: 'fail', what: 'certbot.timer is inactive and masked' },
  { timer: 'active disabled success', grade: 'warn', what: 'after the next boot nothing renews' },
])('a timer that is $timer is a finding, with the command that mends it', async ({ timer, grade, what }) => {
  put('etc/letsencrypt/renewal/app.test.conf');
  // The line of cron that Debian brings leaves all to the timer, and must not count.
  put('etc/cron.d/certbot', DEBIAN);
  const [detail, command] =
    grade === 'fail' ? ['renewal.stopped', '--now certbot.timer'] : ['renewal.disabled', 'enable certbot.timer'];
  expect(await audit({ 'certbot.timer': timer, 'certbot.service': 'inactive static success' })).toMatchObject([
    {
      status: grade,
      detail,
      summary: expect.stringContaining(what),
      remediation: [expect.stringContaining(command), 'sudo certbot renew --dry-run'],
    },
  ]);
});

test('a last renewal that failed is a finding', async () => {
  put('etc/letsencrypt/renewal/app.test.conf');
  expect(await audit({ 'certbot.timer': WELL, 'certbot.service': 'failed static exit-code' })).toMatchObject([
    {
      status: 'warn',
      detail: 'renewal.failed',
      summary: 'the last renewal by certbot ended with exit-code',
      remediation: ['journalctl -u certbot.service -n 50', expect.any(String)],
    },
  ]);
});

test('without systemd a line of cron is what counts', async () => {
  put('etc/letsencrypt/renewal/app.test.conf');
  expect(await audit(undefined)).toMatchObject([
    { status: 'fail', summary: expect.stringContaining('neither cron nor a timer starts certbot') },
  ]);
  put('etc/cron.d/certbot', DEBIAN);
  expect(await audit(undefined)).toMatchObject([{ status: 'done', facts: { cron: join(root, 'etc/cron.d/certbot') } }]);
});

test('acme.sh, lego and Caddy are each looked at in their way', async () => {
  put('root/.acme.sh/account.conf');
  put('var/lib/lego/certificates/app.test.crt');
  put('var/lib/caddy/.local/share/caddy/certificates/acme/app.test.crt');
  put('var/spool/cron/crontabs/root', '#7 3 * * * /root/.acme.sh/acme.sh --cron\n');
  expect(await audit({ 'lego.timer': WELL, 'caddy.service': 'failed enabled exit-code' })).toMatchObject([
    { status: 'fail', remediation: [expect.stringContaining('--install-cronjob'), expect.any(String)] },
    { status: 'done', summary: 'lego is started by lego.timer' },
    { status: 'fail', summary: expect.stringContaining('caddy.service is failed') },
  ]);
  put('var/spool/cron/crontabs/root', '7 3 * * * "/root/.acme.sh"/acme.sh --cron --home "/root/.acme.sh"\n');
  expect(await audit({ 'caddy.service': WELL })).toMatchObject([
    { status: 'done', summary: expect.stringContaining('crontabs/root') },
    { status: 'fail', summary: expect.stringContaining('neither cron nor a timer starts lego') },
    { status: 'done', summary: 'caddy is started by caddy.service' },
  ]);
});
