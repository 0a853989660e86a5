import { expect } from 'vitest';
import { flat } from '../support/maint.ts';
import { test, type Site } from '../support/site.ts';

function told(site: Site): readonly unknown[] {
  return site.receiver
    .accepted()
    .filter(({ path }) => path.startsWith('/hook'))
    .map(({ json }) => (typeof json === 'object' && json !== null && 'type' in json ? json.type : undefined));
}

test('a forced failure goes out as an alert, and its end as a recovery', async ({ site }) => {
  site.env['MAINT_FAULT'] = 'long-transactions=fail';
  const drill = await site.run('health');
  expect(drill.exitCode).toBe(1);
  expect(flat(drill.stdout)).toContain('A DRILL: MAINT_FAULT forces "long transactions" of health to fail');
  expect(drill.stdout).toMatch(/✗ health +long transactions/);
  expect(told(site)).toEqual(['maint.alert.firing']);
  expect(JSON.stringify(site.receiver.accepted())).toContain('a drill: MAINT_FAULT');

  delete site.env['MAINT_FAULT'];
  const after = await site.run('health');
  expect(after.exitCode).toBe(0);
  expect(after.stdout).not.toContain('DRILL');
  expect(told(site)).toEqual(['maint.alert.firing', 'maint.alert.resolved']);
});

test('a forced warning and a forced crash have the exit codes of real ones', async ({ site }) => {
  site.env['MAINT_FAULT'] = 'clock=warn';
  expect((await site.run('health')).exitCode).toBe(0);
  expect((await site.run('health', '--fail-on', 'warn')).exitCode).toBe(1);
  site.env['MAINT_FAULT'] = 'clock=crash';
  expect((await site.run('health')).exitCode).toBe(4);
});

test('a database that is made not to answer inhibits every other question to it', async ({ site }) => {
  site.env['MAINT_FAULT'] = 'database-answers=fail';
  const { exitCode, stdout } = await site.run('health');
  expect(exitCode).toBe(1);
  expect(stdout.match(/^✗/gm)).toHaveLength(2);
  expect(stdout).toMatch(/– health +sequences +the database does not answer/);
  expect(told(site)).toEqual(['maint.alert.firing']);
});

test('no drill keeps a backup from being taken, and a name that fits nothing is told', async ({ site }) => {
  site.env['MAINT_FAULT'] = `dump-${site.database.name.replace('_', '-')}=fail,no-such-check=fail`;
  const { exitCode, stdout } = await site.run('backup');
  expect(exitCode).toBe(0);
  expect(site.visible()).toHaveLength(1);
  expect(flat(stdout)).toContain('MAINT_FAULT forces no step of this run: no-such-check');
  expect(flat(stdout)).toContain('MAINT_FAULT forces no step of this run: dump-');
  expect(stdout).not.toContain('DRILL');
});

test('what means nothing is refused before anything is touched', async ({ site }) => {
  site.env['MAINT_FAULT'] = 'sequences';
  const { exitCode, stderr } = await site.run('daily');
  expect(exitCode).toBe(2);
  expect(flat(stderr)).toContain('MAINT_FAULT has a part that means nothing: "sequences"');
  expect(site.visible()).toEqual([]);
});
