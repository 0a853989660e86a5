import { describe, expect, test } from 'vitest';
import { runMaint } from '../support/maint.ts';

describe('maint runbook', () => {
  test.each([
    ['blocked-sessions', '# Blocked sessions'],
    ['long transactions', '# Long transactions'],
    ['disk /var/lib/postgresql', '# Disk'],
    ['http front page', '# HTTP endpoint'],
  ])('prints the page of "%s", without configuration or database', async (check, title) => {
    const { exitCode, stdout } = await runMaint({ args: ['runbook', check] });
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')[0]).toBe(title);
  });

  test('says what it does not know', async () => {
    const { exitCode, stderr } = await runMaint({ args: ['runbook', 'sequence'] });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Did you mean "sequences"?');
    expect((await runMaint({ args: ['runbook', '../../README'] })).exitCode).toBe(2);
  });
});
