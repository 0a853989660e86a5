import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test } from '../support/site.ts';

const FORM = /^MAINT HEALTH (OK|WARNING|CRITICAL|UNKNOWN): [^|]* \| '.+'=[-0-9.U]+(s|%|B|c)?;/;

test('a monitoring system gets state, numbers and exit code of its own kind', async ({ site }) => {
  const well = await site.run('health', '--format', 'nagios');
  expect(well.exitCode).toBe(0);
  expect(well.stdout).toMatch(FORM);
  expect(well.stdout).toMatch(/^MAINT HEALTH OK: \d+ checks \|/);
  site.env['MAINT_FAULT'] = 'sequences=warn';
  expect((await site.run('health', '--format', 'nagios')).exitCode).toBe(1);
  site.env['MAINT_FAULT'] = 'sequences=crash';
  expect((await site.run('health', '--format', 'nagios')).exitCode).toBe(3);
  site.env['MAINT_FAULT'] = 'sequences=fail';
  const broken = await site.run('health', '--format', 'nagios');
  expect(broken.exitCode).toBe(2);
  expect(broken.stdout).toMatch(/^MAINT HEALTH CRITICAL: sequences: a drill/);
});

test('what could not begin is unknown, never critical', async ({ site }) => {
  site.configure({ nonsense: true });
  const { exitCode, stdout, stderr } = await site.run('health', '--format', 'nagios');
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(/^MAINT HEALTH UNKNOWN: /);
  expect(stderr).toContain('nonsense');
  expect((await site.run('health')).exitCode).toBe(2);
});

test('Prometheus gets numbers, and the exit code stays that of maint', async ({ site }) => {
  const { exitCode, stdout } = await site.run('health', '--format', 'prometheus');
  expect(exitCode).toBe(0);
  expect(stdout).toContain(
    'maint_check_status{project="app",task="health",check="database answers",dimension="dependencies",severity="page"} 0',
  );
  expect(stdout).toMatch(
    /^maint_check_value_ratio\{project="app",measure="memory\.used",subject="this host"\} 0\.\d+$/m,
  );
});

test('only health speaks to monitoring systems, in one format at a time', async ({ site }) => {
  expect((await site.run('backup', '--format', 'nagios')).stderr).toContain('--format');
  const { exitCode, stderr } = await site.run('health', '--json', '--format', 'prometheus');
  expect(exitCode).toBe(2);
  expect(stderr).toContain('--json');
});

test('node_exporter gets a whole file that it may read, by a flag and by the configuration', async ({ site }) => {
  const folder = mkdtempSync(join(tmpdir(), 'maint-textfile-'));
  try {
    const [byFlag, byConfig] = [join(folder, 'flag.prom'), join(folder, 'config.prom')];
    site.configure({ textfile: byConfig });
    expect((await site.run('health', '--textfile', byFlag)).exitCode).toBe(0);
    for (const path of [byFlag, byConfig]) {
      const text = readFileSync(path, 'utf8');
      expect(text).toMatch(/^maint_check_status\{.*check="state",dimension="meta"/m);
      expect(text).toMatch(/^maint_report_timestamp_seconds\{project="app"\} \d{10}/m);
      expect(text).toMatch(/^maint_run_last_success_timestamp_seconds\{project="app",job="health"\} \d{10}/m);
      expect(text.endsWith('\n')).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o644);
    }
    expect(readdirSync(folder).toSorted()).toEqual(['config.prom', 'flag.prom']);
    const lost = await site.run('health', '--textfile', join(folder, 'nowhere', 'x.prom'));
    expect(lost.exitCode).toBe(4);
    expect(lost.stderr).toContain('x.prom cannot be written');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
