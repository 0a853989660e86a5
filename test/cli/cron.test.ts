import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { machineTimezone } from '../../src/adapters/cron-machine.ts';
import { main } from '../../src/cli/main.ts';
import { taskWords } from '../../src/tasks/words.ts';
import { fakeCron, type FakeCron } from '../support/crontab.ts';
import { test as withSite } from '../support/site.ts';
import { makeWorld, type TestWorld } from '../support/world.ts';

interface Answer {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

type Request = Partial<Parameters<typeof makeWorld>[0]>;

/** Stands for a Node.js in a place that stays, wherever this checkout and its own Node.js lie. */
const NODE = realpathSync('/usr/bin/env');

async function run(cron: FakeCron, line: string, request: Request = {}): Promise<Answer> {
  const world: TestWorld = makeWorld({
    cwd: cron.folder,
    ...request,
    env: { PATH: cron.path, MAINT_STATE_DIR: undefined, ...request.env },
    process: { nodePath: NODE, ...request.process },
  });
  const exitCode = await main(['cron', ...line.split(' ')], world);
  return { exitCode, out: world.out(), err: world.err() };
}

/** A configuration with which nothing is to be said against cron. */
function configure(cron: FakeCron, changes: Readonly<Record<string, unknown>> = {}): void {
  const settings = {
    name: 'app',
    database: { url: 'postgres://app@localhost/app' },
    timezone: machineTimezone(),
    state: join(cron.folder, 'state'),
    backups: { directory: '/srv/backups' },
    ...changes,
  };
  writeFileSync(join(cron.folder, 'maint.yaml'), JSON.stringify(settings));
}

function ready(changes?: Readonly<Record<string, unknown>>): FakeCron {
  const cron = fakeCron();
  configure(cron, changes);
  return cron;
}

const jobsOf = (text: string): readonly string[] => text.split('\n').filter((line) => /^[\d*]/.test(line));

describe('maint cron print', () => {
  test.for([
    ['0 */6 * * *', 1],
    ['17 3 * * *', 0],
  ] as const)(
    'gives a task with the schedule %s of its own a line where its tier comes at other times',
    async ([schedule, own]) => {
      const off = { enabled: false };
      const others = Object.fromEntries(taskWords.map(({ name }) => [name, off]));
      const tasks = { ...others, prune: { hotmesh: { maintenance: { schedule } } } };
      const { out } = await run(ready({ tasks }), 'print');
      const [daily = '', ...more] = jobsOf(out).filter((line) => !line.includes(' tick '));
      expect(daily).toContain(' daily --cron ');
      expect(more).toHaveLength(own);
      for (const line of more) expect(line).toMatch(/^0 \*\/6 \* \* \* \/.* prune --cron --config /);
      expect((await run(ready({ tasks }), 'print --format systemd')).out.includes('maint-app-prune.timer')).toBe(
        own === 1,
      );
    },
  );

  test('writes a line for each tier that has a task, by absolute paths and without a percent sign', async () => {
    const cron = ready();
    const { exitCode, out, err } = await run(cron, 'print');
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    const config = join(cron.folder, 'maint.yaml');
    const start = `${NODE} /opt/maint/bin/maint.js`;
    expect(jobsOf(out)).toContain(`17 3 * * * ${start} daily --cron --config ${config}`);
    expect(jobsOf(out)).toContain(`47 4 * * 0 ${start} weekly --cron --config ${config}`);
    expect(out).not.toContain('quarterly');
    expect(out).not.toContain('%');
    expect(out).toContain(`maint counts in ${machineTimezone()}`);
  });

  test('leaves out a tier whose tasks are switched off, and takes the schedule of the configuration', async () => {
    const weekly = taskWords.filter(({ tier }) => tier === 'weekly').map(({ name }) => name);
    const off = Object.fromEntries(weekly.map((name) => [name, { enabled: false }]));
    const { out } = await run(ready({ schedule: { daily: '5 1 * * mon-fri' }, tasks: off }), 'print');
    expect(out).toMatch(/^5 1 \* \* mon-fri \S+ \S+ daily --cron/m);
    expect(out).not.toContain(' weekly ');
  });

  test('follows links to the Node and the script that are really there', async () => {
    const cron = ready();
    mkdirSync(join(cron.folder, 'real'));
    for (const name of ['node', 'maint.js']) {
      writeFileSync(join(cron.folder, 'real', name), '');
      symlinkSync(join('real', name), join(cron.folder, name));
    }
    const nodePath = join(cron.folder, 'node');
    const scriptPath = join(cron.folder, 'maint.js');
    const { out, err } = await run(cron, 'print', { process: { nodePath, scriptPath } });
    expect(out).toContain(`${cron.folder}/real/node ${cron.folder}/real/maint.js daily`);
    expect(err).toMatch(/real\/node goes away/);
  });

  test.each([
    '/home/me/.nvm/versions/node/v24.0.0/bin/node',
    '/home/me/.volta/tools/image/node/24.0.0/bin/node',
    '/home/me/.asdf/installs/nodejs/24.0.0/bin/node',
    '/opt/homebrew/Cellar/node/24.0.0/bin/node',
    '/home/me/.npm/_npx/12ab/node_modules/node/bin/node',
    '/tmp/node',
  ])('warns of %s, which does not stay', async (nodePath) => {
    const { exitCode, err } = await run(ready(), 'print', { process: { nodePath } });
    expect(exitCode).toBe(0);
    expect(err).toContain(`${nodePath} goes away`);
  });

  test('does not warn of a Node that stays', async () => {
    expect((await run(ready(), 'print', { process: { nodePath: '/usr/bin/env' } })).err).toBe('');
  });

  test('says what will be missing in the environment of cron', async () => {
    const cron = ready({ database: { url: '${APP_DATABASE}' } });
    const { err } = await run(cron, 'print', { env: { APP_DATABASE: 'postgres://app:T0PS3CRET@db1/app' } });
    expect(err).toContain('with the environment of cron');
    expect(err).toContain('APP_DATABASE');
    expect(err).not.toContain('T0PS3CRET');
    const bare = await run(fakeCron(), 'print', { env: { DATABASE_URL: 'postgres://app@db1/app' } });
    expect(bare.err).toContain('cron does not pass DATABASE_URL on');
  });

  test('says where cron would keep the backups elsewhere', async () => {
    const { err } = await run(ready({ backups: { directory: 'copies' } }), 'print --config maint.yaml', {
      env: { HOME: '/' },
    });
    expect(err).toMatch(/backups go to \S+\/copies here, but to \/copies under cron/);
  });

  test('names the state directory where cron would choose another', async () => {
    const cron = ready();
    const state = join(cron.folder, 'my state');
    expect((await run(cron, 'print', { env: { MAINT_STATE_DIR: state } })).out).toContain(` --state '${state}'`);
    expect((await run(cron, 'print')).out).not.toContain('--state');
  });

  test('says where maint and the machine count by different clocks', async () => {
    const other = machineTimezone() === 'Asia/Tokyo' ? 'UTC' : 'Asia/Tokyo';
    const { err } = await run(ready({ timezone: other }), 'print');
    expect(err).toContain(`the configuration counts in ${other}`);
  });

  test('refuses a schedule that maint understands and cron does not', async () => {
    const { exitCode, err } = await run(ready({ schedule: { daily: '0 3 L * *' } }), 'print');
    expect(exitCode).toBe(2);
    expect(err).toContain('schedule.daily');
  });

  test('refuses a path that would end the line', async () => {
    const { exitCode, out } = await run(ready(), 'print', { process: { scriptPath: '/opt/a\n* * * * * evil' } });
    expect(exitCode).toBe(2);
    expect(out).toBe('');
  });

  test('writes lines that crontab takes', async ({ skip }) => {
    // cronie has another flag for it, and another meaning for this one.
    const isCronie = /cronie/.test(String(spawnSync('crontab', ['-V']).stdout));
    const flags = [isCronie ? '-T' : '-n', '-'];
    const checked = spawnSync('crontab', flags, { input: (await run(ready(), 'print')).out, encoding: 'utf8' });
    if (checked.error !== undefined || /(invalid|illegal|unrecognized) option/.test(checked.stderr))
      skip('there is no crontab program here that only checks');
    expect(checked.status, checked.stderr).toBe(0);
  });

  test.each(['crontab', 'cron.d'])('writes for %s what lint finds nothing in', async (format) => {
    const cron = ready();
    const { out } = await run(cron, `print --format ${format}`, { process: { scriptPath: '/opt/maint.js' } });
    mkdirSync(join(cron.folder, 'cron.d'));
    const file = join(cron.folder, format === 'cron.d' ? 'cron.d/maint-app' : 'crontab');
    writeFileSync(file, out);
    expect(await run(cron, `lint ${file}`)).toEqual({ exitCode: 0, out: `${file}: good\n`, err: '' });
  });

  test('writes systemd units with the time zone in each timer', async ({ skip }) => {
    const cron = ready({ timezone: 'Europe/Berlin', schedule: { daily: '5,35 1 1 1-6 1' } });
    const { out } = await run(cron, 'print --format systemd', { process: { scriptPath: '/opt/100% $maint/maint.js' } });
    expect(out).toContain('"/opt/100%% $$maint/maint.js" daily --cron --config');
    expect(out).toContain('OnCalendar=Sun *-*-* 04:47:00 Europe/Berlin');
    const events = [...out.matchAll(/^OnCalendar=(.*)$/gm)].map(([, event = '']) => event);
    expect(events.slice(0, 2)).toEqual([
      '*-01,02,03,04,05,06-01 01:05,35:00 Europe/Berlin',
      'Mon *-01,02,03,04,05,06-* 01:05,35:00 Europe/Berlin',
    ]);
    const checked = spawnSync('systemd-analyze', ['calendar', ...events], { encoding: 'utf8' });
    if (checked.error !== undefined) skip('there is no systemd-analyze here');
    expect(checked.status).toBe(0);
  });

  test('writes Kubernetes CronJobs with the time zone, that never run twice at once', async () => {
    const cron = ready({ name: `a_${'b'.repeat(60)}`, timezone: 'Europe/Berlin' });
    const { out } = await run(cron, 'print --format kubernetes');
    const manifests: readonly unknown[] = parseAllDocuments(out).map((document): unknown => document.toJS());
    expect(manifests.length).toBeGreaterThanOrEqual(2);
    expect(manifests[0]).toMatchObject({
      kind: 'CronJob',
      metadata: { name: expect.stringMatching(/^maint-a-b{38}-daily$|^[a-z0-9-]{1,52}$/) },
      spec: {
        schedule: '17 3 * * *',
        timeZone: 'Europe/Berlin',
        concurrencyPolicy: 'Forbid',
        jobTemplate: {
          spec: {
            template: {
              spec: { containers: [{ args: ['daily', '--cron', '--config', '/etc/maint/maint.yaml'] }] },
            },
          },
        },
      },
    });
  });

  test('writes a GitHub workflow that starts each round by its own schedule, and says that it counts in UTC', async () => {
    const { out } = await run(ready({ timezone: 'Europe/Berlin' }), 'print --format github-actions');
    expect(parse(out)).toMatchObject({
      on: { schedule: expect.arrayContaining([{ cron: '17 3 * * *' }]) },
      jobs: {
        daily: {
          if: expect.stringContaining(`github.event.schedule == '17 3 * * *'`),
          steps: expect.arrayContaining([
            expect.objectContaining({ run: 'npx maint daily --cron --config maint.yaml' }),
          ]),
        },
      },
    });
    expect(out).toContain('GitHub counts in UTC, maint.yaml in Europe/Berlin');
  });
});

describe('maint cron install', () => {
  test('puts the rounds below what is there, shows it, and does it once', async () => {
    const cron = ready();
    const before = 'MAILTO=ops\n15 3 * * * /bin/true\n';
    cron.write(before);
    const first = await run(cron, 'install');
    expect(first.exitCode).toBe(0);
    expect(first.out).toMatch(/^\+ 17 3 \* \* \* .* daily --cron/m);
    const after = cron.read()?.toString() ?? '';
    expect(after.startsWith(before)).toBe(true);
    expect(after.slice(before.length)).toBe((await run(cron, 'print')).out);
    expect(await run(cron, 'install')).toEqual({ exitCode: 0, out: 'the crontab is as it should be\n', err: '' });
    expect(cron.read()?.toString()).toBe(after);
  });

  test('and uninstall leave every foreign byte, whatever it is', async () => {
    const cron = ready();
    const line = fc.oneof(
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 ? 32 : byte)))),
      fc
        .constantFrom('# caf\u00e9\r', String.raw`15 3 * * * echo a\rb\b`, '', '# END maint')
        .map((text) => Buffer.from(text)),
    );
    const crontabs = fc
      .tuple(fc.array(line, { minLength: 1, maxLength: 5 }), fc.boolean())
      .map(([lines, isEnded]) => {
        const joined = lines.flatMap((each, index) => (index === 0 ? [each] : [Buffer.from('\n'), each]));
        return Buffer.concat([...joined, Buffer.from(isEnded ? '\n' : '')]);
      })
      .filter((crontab) => crontab.length > 0);
    await fc.assert(
      fc.asyncProperty(crontabs, async (crontab) => {
        cron.write(crontab);
        expect((await run(cron, 'install')).exitCode).toBe(0);
        expect(cron.read()?.subarray(0, crontab.length).equals(crontab)).toBe(true);
        expect((await run(cron, 'uninstall')).exitCode).toBe(0);
        expect(cron.read()?.equals(crontab)).toBe(true);
      }),
      { numRuns: 25, examples: [[Buffer.from('# caf\u00e9\r\n')], [Buffer.from('# no end')]] },
    );
  });

  test('replaces its own block where the configuration has changed, in its place', async () => {
    const cron = ready();
    await run(cron, 'install');
    cron.write(`# above\n${cron.read()?.toString() ?? ''}# below\n`);
    configure(cron, { schedule: { daily: '5 1 * * *' } });
    const { out } = await run(cron, 'install');
    expect(out).toMatch(/^- 17 3 .* daily/m);
    expect(out).toMatch(/^\+ 5 1 .* daily/m);
    expect(cron.read()?.toString()).toMatch(/^# above\n# BEGIN[\s\S]*\n5 1 [\s\S]*# END maint app\n# below\n$/);
  });

  test('refuses a block that was edited by hand, unless it is told to', async () => {
    const cron = ready();
    await run(cron, 'install');
    const edited = (cron.read()?.toString() ?? '').replace('17 3 *', '18 3 *');
    cron.write(edited);
    for (const command of ['install', 'uninstall', 'install --dry-run']) {
      const refused = await run(cron, command);
      expect(refused.exitCode).toBe(1);
      expect(refused.err).toContain('edited by hand');
      expect(refused.err).toContain('CRONTAB_EDITED');
      expect(cron.read()?.toString()).toBe(edited);
    }
    const shown = await run(cron, 'install --force --dry-run');
    expect(shown.out).toMatch(/^- 18 3/m);
    expect(cron.read()?.toString()).toBe(edited);
    expect((await run(cron, 'install --force')).exitCode).toBe(0);
    expect(cron.read()?.toString()).toBe((await run(cron, 'print')).out);
  });

  test('refuses half a block even then, and names its lines', async () => {
    const cron = ready();
    cron.write('1 2 3 4 5 /bin/true\n# BEGIN maint app v1 sha256:0\n2 3 4 5 6 /bin/true\n');
    const { exitCode, err } = await run(cron, 'install --force');
    expect(exitCode).toBe(1);
    expect(err).toContain('lines 2');
  });

  test('says where a line that is there already starts the same round', async () => {
    const cron = ready();
    cron.write(`17 3 * * * /usr/bin/maint daily --cron --config ${join(cron.folder, 'maint.yaml')}\n`);
    expect((await run(cron, 'install')).err).toBe(
      'maint: another line of the crontab starts daily as well: take it out with crontab -e\n',
    );
    cron.write('17 3 * * * /usr/bin/maint daily --cron --config /etc/other.yaml\n');
    expect((await run(cron, 'install')).err).toBe('');
  });

  test('changes nothing in a dry run', async () => {
    const cron = ready();
    const { exitCode, out } = await run(cron, 'install --dry-run');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^\+ # BEGIN maint app v1/m);
    expect(out).toContain('nothing was changed');
    expect(cron.read()).toBeUndefined();
    expect(readdirSync(cron.folder)).not.toContain('state');
  });

  test('keeps the earlier crontab, for its owner alone', async () => {
    const cron = ready();
    const before = Buffer.from('# caf\u00e9 \xff\n', 'latin1');
    cron.write(before);
    const { out } = await run(cron, 'install');
    const folder = join(cron.folder, 'state', 'app', 'crontabs');
    const [name = ''] = readdirSync(folder);
    expect(readFileSync(join(folder, name)).equals(before)).toBe(true);
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(out).toContain(join(folder, name));
  });

  test('of several projects lie side by side', async () => {
    const cron = ready();
    await run(cron, 'install');
    const first = cron.read()?.toString();
    configure(cron, { name: 'app-two' });
    await run(cron, 'install');
    expect(
      cron
        .read()
        ?.toString()
        .startsWith(first ?? '-'),
    ).toBe(true);
    await run(cron, 'uninstall');
    expect(cron.read()?.toString()).toBe(first);
  });

  test('leaves no crontab behind where there was none', async () => {
    const cron = ready();
    await run(cron, 'install');
    expect(cron.read()).toBeDefined();
    await run(cron, 'uninstall');
    expect(cron.read()).toBeUndefined();
    expect((await run(cron, 'uninstall')).out).toBe('the crontab has no block of this project\n');
  });

  test('can be taken back with a configuration that is broken by now', async () => {
    const cron = ready();
    await run(cron, 'install');
    configure(cron, { surprise: 1 });
    expect((await run(cron, 'install')).exitCode).toBe(2);
    expect((await run(cron, 'uninstall')).exitCode).toBe(0);
    expect(cron.read()).toBeUndefined();
  });

  test('reads back what it wrote', async () => {
    const cron = ready();
    cron.write('# MANGLE\n');
    const { exitCode, err } = await run(cron, 'install');
    expect(exitCode).toBe(1);
    expect(err).toContain('does not show what was written');
  });

  test('says so where cron refuses the crontab, and where there is no cron', async () => {
    const cron = ready();
    cron.write('# REFUSE\n');
    const refused = await run(cron, 'install');
    expect(refused.exitCode).toBe(1);
    expect(refused.err).toContain('errors in crontab file');
    expect(cron.read()?.toString()).toBe('# REFUSE\n');
    const missing = await run(cron, 'install', { env: { PATH: '/nonexistent' } });
    expect(missing.exitCode).toBe(4);
    expect(missing.err).toContain('PROGRAM_MISSING');
  });

  test('works with the crontab of this machine', async ({ skip }) => {
    const crontab = (args: readonly string[], input?: Buffer) => spawnSync('crontab', args, { input });
    const listed = crontab(['-l']);
    if (listed.error !== undefined) skip('there is no crontab program here');
    if (!/no crontab for/.test(String(listed.stderr)))
      skip('the user who runs the tests has a crontab, which is not touched');
    // Once a year, should the test be killed halfway.
    const cron = ready({
      schedule: { daily: '17 3 1 1 *', weekly: '17 4 1 1 *', monthly: '17 5 1 1 *', quarterly: '17 6 1 1 *' },
    });
    const env = { PATH: process.env['PATH'] };
    const before = Buffer.from('# caf\xe9 \\r\r\n\n\tMAILTO=""\n17 3 1 1 * /bin/true \\% \r\n\n', 'latin1');
    try {
      expect((await run(cron, 'install', { env })).exitCode).toBe(0);
      expect(String(crontab(['-l']).stdout)).toBe((await run(cron, 'print', { env })).out);
      expect((await run(cron, 'lint', { env })).exitCode).toBe(0);
      expect((await run(cron, 'uninstall', { env })).exitCode).toBe(0);
      expect(String(crontab(['-l']).stderr)).toContain('no crontab for');

      expect(crontab(['-'], before).status).toBe(0);
      expect((await run(cron, 'install', { env })).exitCode).toBe(0);
      expect((await run(cron, 'install', { env })).out).toContain('as it should be');
      expect((await run(cron, 'uninstall', { env })).exitCode).toBe(0);
      const kept = spawnSync('crontab', ['-e'], { env: { ...process.env, EDITOR: 'cat', VISUAL: 'cat' } });
      expect(kept.stdout.equals(before)).toBe(true);
    } finally {
      crontab(['-r']);
    }
  });
});

const FIXTURES = join(import.meta.dirname, '../schedule/fixtures/bad');

describe('maint cron lint', () => {
  const BAD = '15 3 * * * scripts/report.sh >>/var/log/report.log 2>&1\n';

  test('names each mistake of a crontab that has several, in the order of the lines', async () => {
    const stdin = readFileSync(join(FIXTURES, 'E105.cron'), 'utf8') + readFileSync(join(FIXTURES, 'E103.cron'), 'utf8');
    const { exitCode, out } = await run(ready(), 'lint -', { stdin });
    expect(exitCode).toBe(1);
    expect([...out.matchAll(/stdin:(\d+) {2}(E\d+)/g)].map(([, line, code]) => [line, code])).toEqual([
      ['1', 'E105'],
      ['2', 'E103'],
    ]);
  });

  test('names line, code, what is wrong, why, and the fix; and ends with 1', async () => {
    const cron = ready();
    cron.write(`# mine\n${BAD}`);
    const { exitCode, out } = await run(cron, 'lint');
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^✗ crontab -l:2 {2}E104 {2}"scripts\/report\.sh" is a relative path\n {4}cron starts in/);
    expect(out).toContain('→ Write the absolute path');
    expect(out).toContain('crontab -l: 1 error, 0 warnings');
  });

  test('ends with 0 where there are warnings only', async () => {
    const { exitCode, out } = await run(ready(), 'lint - --timezone UTC', {
      stdin: '0 0 13 * 5 /bin/true >>/var/log/true.log 2>&1\n',
    });
    expect(exitCode).toBe(0);
    expect(out).toContain('! stdin:1  W201');
  });

  test('reads a file, and answers as one JSON document', async () => {
    const cron = ready();
    writeFileSync(join(cron.folder, 'jobs'), BAD);
    const { exitCode, out } = await run(cron, 'lint jobs --json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(out)).toEqual({
      format: 1,
      crontab: join(cron.folder, 'jobs'),
      ok: false,
      findings: [
        {
          code: 'E104',
          severity: 'error',
          line: 1,
          message: expect.stringContaining('scripts/report.sh'),
          why: expect.stringContaining('home directory'),
          fix: expect.stringContaining('absolute path'),
        },
      ],
    });
  });

  test('takes a file in a cron.d for one with users', async () => {
    const cron = ready();
    mkdirSync(join(cron.folder, 'cron.d'));
    writeFileSync(join(cron.folder, 'cron.d', 'app.conf'), '15 3 * * * root /bin/true >>/var/log/true.log\n');
    const { out } = await run(cron, 'lint cron.d/app.conf');
    expect(out).toContain('E107');
    expect(out).not.toContain('E106');
  });

  test('finds nothing where there is no crontab, and says so where there is no file', async () => {
    expect(await run(ready(), 'lint')).toEqual({ exitCode: 0, out: 'crontab -l: good\n', err: '' });
    const missing = await run(ready(), 'lint nowhere');
    expect(missing.exitCode).toBe(2);
    expect(missing.err).toContain('nowhere');
  });

  test('looks at the clocks of the zone that is named', async () => {
    const stdin = '30 2 * * * /bin/true >>/var/log/true.log 2>&1\n';
    expect((await run(ready(), 'lint - --timezone Europe/Berlin', { stdin })).out).toContain('W202');
    expect((await run(ready(), 'lint - --timezone UTC', { stdin })).out).toBe('stdin: good\n');
    const wrong = await run(ready(), 'lint - --timezone Europe/Berln', { stdin });
    expect(wrong.exitCode).toBe(2);
    expect(wrong.err).toContain('Did you mean "Europe/Berlin"?');
  });
});

describe('maint cron simulate', () => {
  async function simulate(expression: string, flags: string, request: Request = {}): Promise<Answer> {
    const world = makeWorld({ cwd: '/', ...request });
    const exitCode = await main(
      ['cron', 'simulate', expression, ...flags.split(' ').filter((flag) => flag !== '')],
      world,
    );
    return { exitCode, out: world.out(), err: world.err() };
  }

  test('shows local time, UTC, and what the clocks do', async () => {
    const flags = '--timezone Europe/Berlin --from 2026-03-29 --count 2';
    const { exitCode, out } = await simulate('30 2 * * *', flags);
    expect(exitCode).toBe(0);
    expect(out).toBe(
      'at 02:30 every day (Europe/Berlin)\n' +
        'Sun 2026-03-29 03:00 +02:00 Europe/Berlin  2026-03-29T01:00Z  ! the clocks leave its time out; it comes right after\n' +
        'Mon 2026-03-30 02:30 +02:00 Europe/Berlin  2026-03-30T00:30Z\n',
    );
    const autumn = await simulate('30 2 * * *', '--timezone Europe/Berlin --from 2026-10-25 --to 2026-10-25T23:59');
    expect(autumn.out).toContain(
      '\nSun 2026-10-25 02:30 +02:00 Europe/Berlin  2026-10-25T00:30Z  ! this time comes twice\n',
    );
  });

  test('warns of the either-or of day and weekday', async () => {
    expect((await simulate('0 0 13 * 5', '--timezone UTC')).out).toMatch(/^! day 13 OR weekday 5/m);
  });

  test('begins now and shows ten where nothing else is said', async () => {
    const { out } = await simulate('0 * * * *', '--timezone UTC', { now: () => new Date('2026-01-01T00:30Z') });
    expect(out.split('\n')).toHaveLength(12);
    expect(out).toMatch(/^at minute 0 of every hour every day \(UTC\)\nThu 2026-01-01 01:00/);
  });

  test('answers as one JSON document', async () => {
    const { out } = await simulate('@daily', '--timezone UTC --from 2026-01-01T12:00Z --to 2026-01-02 --json');
    expect(JSON.parse(out)).toEqual({
      format: 1,
      expression: '0 0 * * *',
      words: 'at 00:00 every day',
      timezone: 'UTC',
      runs: [{ utc: '2026-01-02T00:00:00.000Z', local: '2026-01-02 00:00', offset: '+00:00', weekday: 5, jump: null }],
      notes: [],
      isCut: false,
    });
  });

  test.each([
    ['61 * * * *', '', '"61"'],
    ['0 0 31 2 *', '', 'it never comes'],
    ['@reboot', '', '@reboot'],
    ['0 * * * *', '--timezone Mars', '"Mars"'],
    ['0 * * * *', '--from tomorrow', '--from cannot be "tomorrow"'],
    ['0 * * * *', '--to 2026-13-01', '--to cannot be "2026-13-01"'],
  ])('refuses %s %s', async (expression, flags, named) => {
    const { exitCode, err } = await simulate(expression, flags);
    expect(exitCode).toBe(2);
    expect(err).toContain(named);
  });
});

withSite('what cron print writes runs as cron runs it, and says nothing', async ({ site }) => {
  site.configure({ database: { url: site.database.url }, alerts: {} });
  const printed = await site.run('cron', 'print');
  expect(printed.exitCode).toBe(0);
  const jobs = jobsOf(printed.stdout);
  expect(jobs.length).toBeGreaterThanOrEqual(2);
  for (const job of jobs) {
    const command = job.split(' ').slice(5).join(' ');
    for (const path of command.split(' ').slice(0, 2)) expect(statSync(path).isFile()).toBe(true);
    const env = ['-i', `HOME=${site.folder}`, 'SHELL=/bin/sh', 'PATH=/usr/bin:/bin'];
    const ended = spawnSync('env', [...env, 'sh', '-c', command], { cwd: site.folder, encoding: 'utf8' });
    expect({ command, status: ended.status, said: ended.stdout + ended.stderr }).toEqual({
      command,
      status: 0,
      said: '',
    });
  }
  expect(site.visible()).toHaveLength(1);
});
