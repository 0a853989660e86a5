import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { cronLine } from '../../src/cli/cron-line.ts';
import { makeWorld } from '../support/world.ts';

/** What cron hands to the shell: an escaped % is a plain one, anything after another is input. */
function commandOf(line: string): string {
  const [, command = ''] = /^(?:\S+ ){5}(.*)$/.exec(line) ?? [];
  return command
    .replaceAll(String.raw`\%`, '\0')
    .replace(/%.*$/, '')
    .replaceAll('\0', '%');
}

test.for(['/etc/maint.yaml', `/srv/it's 100% mine/$HOME/maint.yaml`, '/srv/"a"; b/`c`.yaml'])(
  'a crontab line hands the path %s to the shell as it is',
  (file) => {
    const world = makeWorld({ cwd: '/', process: { nodePath: '/bin/echo', scriptPath: '/opt/maint.js' } });
    const line = cronLine({ round: 'daily', schedule: '17 3 * * *', file }, world);
    expect(line).toMatch(/^17 3 \* \* \* /);
    const { stdout } = spawnSync('/bin/sh', ['-c', commandOf(line)], { encoding: 'utf8' });
    expect(stdout).toBe(`/opt/maint.js daily --cron --config ${file}\n`);
  },
);
