import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { MAINT, runMaint } from '../support/maint.ts';
import { test, type Site } from '../support/site.ts';

/** Runs a line as a person who copies it into a shell somewhere else, where `maint` is on the PATH. */
function paste(site: Site, line: string): { readonly exitCode: number | null; readonly stdout: string } {
  site.shadow('maint', `exec '${process.execPath}' '${MAINT}' "$@"`);
  const { status, stdout } = spawnSync('/bin/sh', ['-c', line], {
    cwd: '/',
    env: { ...site.env, HOME: '/nonexistent' },
    encoding: 'utf8',
  });
  return { exitCode: status, stdout };
}

/** Commands of maint that stand in a text, one for each line that has one. */
const commandsIn = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => /(?:→ |`)(maint [a-z][^`]*)/.exec(line)?.[1]?.trim() ?? []);

/** Health has found a failure, and the disk is what it names. */
async function failing(site: Site): Promise<string> {
  site.configure({ tasks: { health: { disks: [site.folder], disk: { warnAt: 0.000_1, failAt: 0.000_2 } } } });
  const end = await site.run('health');
  expect(end.exitCode).toBe(1);
  return end.stdout;
}

describe('a command that maint prints', () => {
  test('means the same configuration wherever it is copied to', async ({ site }) => {
    const said = await failing(site);
    const again = `maint health --config ${site.configFile}`;
    expect(commandsIn(said)).toContain(again);
    const pasted = paste(site, again);
    expect(pasted).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(site.configFile) });
    expect(said.split('\n')[0], 'the head says what ran').toMatch(/^maint health · /);
    const bodies = site.receiver.requests.map(({ body }) => body).join('\n');
    const [ack = ''] = /maint alerts ack [^"\\]*? --for 4h/.exec(bodies) ?? [];
    expect(ack).toContain(`--config ${site.configFile}`);
    expect(paste(site, `${ack} --by ana`).exitCode).toBe(0);
    expect((await site.run('alerts', 'list')).stdout).toContain('ana');
    site.configure({ tasks: { healht: {} } });
    expect((await site.run('health')).stderr).toContain(`\`maint config check --config ${site.configFile}\``);
  });

  test('quotes a path that a shell would take apart, and leaves documents for programs alone', async ({ site }) => {
    const file = `${site.folder}/it's $HOME.yaml`;
    await failing(site);
    renameSync(site.configFile, file);
    const run = (...args: readonly string[]) =>
      runMaint({ args: [...args, '--config', file], env: site.env, cwd: site.folder });
    const command = commandsIn((await run('health')).stdout).find((each) => each.startsWith('maint health')) ?? '';
    expect(paste(site, command)).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(file) });
    const { tasks } = JSON.parse((await run('health', '--json')).stdout);
    expect(JSON.stringify(tasks)).not.toContain('--config');
  });

  test('stays as short as it is where no file was named', async ({ site }) => {
    await failing(site);
    const env = { ...site.env, PATH: site.env['PATH'] ?? '' };
    const { stdout } = await runMaint({ args: ['health'], env, cwd: site.folder });
    expect(commandsIn(stdout)).toContain('maint health');
    expect(stdout).not.toContain('--config');
  });
});
