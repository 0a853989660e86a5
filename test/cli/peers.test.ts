import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { test, type Site } from '../support/site.ts';
import { makeWorld } from '../support/world.ts';

/** A tick as a host of that name has it, with a state directory of its own. */
async function tick(site: Site, hostname: string): Promise<{ readonly exitCode: number; readonly out: string }> {
  const world = makeWorld({ cwd: site.folder, env: site.env, hostname });
  const state = join(site.folder, `state-${hostname}`);
  const exitCode = await main(['tick', '--cron', '--config', site.configFile, '--state', state], world);
  return { exitCode, out: world.out() };
}

/** What the webhook was told of another host, in order. */
const told = ({ receiver }: Site): readonly string[] =>
  receiver.requests
    .filter(({ path, body }) => path.startsWith('/hook') && body.includes('host b'))
    .map(({ body }) => /"status":\s*"(firing|resolved)"/.exec(body)?.[1] ?? body);

describe('two hosts of one project', () => {
  test('watch each other: one that is silent for more than three ticks is an alert on the other', async ({ site }) => {
    site.configure({ tasks: { health: { enabled: false } } });
    expect((await tick(site, 'b')).exitCode).toBe(0);
    expect((await tick(site, 'a')).exitCode).toBe(0);
    const silence = (minutes: number) =>
      site.database.query(`UPDATE maint.heartbeat SET at = now() - interval '${minutes} minutes' WHERE host = 'b'`);
    await silence(14);
    expect((await tick(site, 'a')).exitCode).toBe(0);
    await silence(16);
    const alarmed = await tick(site, 'a');
    expect(alarmed.exitCode).toBe(1);
    expect(alarmed.out).toContain('host b');
    expect(alarmed.out).toContain('which is 3 ticks');
    expect(told(site)).toHaveLength(1);
    expect(await tick(site, 'a'), 'cron mails what is told already only once').toEqual({ exitCode: 1, out: '' });
    expect(told(site)).toHaveLength(1);
    expect((await tick(site, 'b')).exitCode).toBe(0);
    expect((await tick(site, 'a')).exitCode).toBe(0);
    expect(told(site)).toHaveLength(2);
    await silence(8 * 24 * 60);
    expect(await tick(site, 'a'), 'one that is gone for good is forgotten').toEqual({ exitCode: 0, out: '' });
    expect(await site.database.query('SELECT host FROM maint.heartbeat')).toEqual([{ host: 'a' }]);
  });
});
