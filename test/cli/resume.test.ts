import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { quietSite } from '../support/quiet-site.ts';

const NIGHT = '2026-11-19T03:17:02Z';

interface Told {
  readonly tasks: readonly { readonly task: string; readonly verdict: string }[];
}

describe('a round of which one task failed', () => {
  test('runs the others, and --resume runs only that one, for the same slot', async () => {
    const site = quietSite();
    const certificates = join(site.folder, 'certificates');
    const tasks = {
      'cert-audit': { tier: 'daily', files: [certificates] },
      'verify-backup': { enabled: false },
      clean: { tier: 'daily', enabled: true },
    };
    site.configure({ tasks });
    const night = await site.at(NIGHT, 'daily', '--cron');
    expect(night.exitCode).not.toBe(0);
    expect(site.entries('daily')).toMatchObject([{ status: 'failed', slot: '2026-11-19T03:17:00.000Z' }]);

    const resume = async () => {
      const { exitCode, out, err } = await site.at('2026-11-19T09:00:00Z', 'daily', '--resume', '--json');
      const told: Partial<Told> = out === '' ? {} : JSON.parse(out);
      return { exitCode, tasks: told.tasks?.map(({ task }) => task), err };
    };
    expect(await resume()).toMatchObject({ exitCode: night.exitCode, tasks: ['cert-audit'] });
    mkdirSync(certificates);
    expect(await resume()).toMatchObject({ exitCode: 0, tasks: ['cert-audit'] });
    expect(site.entries('daily')[0]).toMatchObject({ status: 'late', slot: '2026-11-19T03:17:00.000Z' });
    const nothing = await resume();
    expect(nothing.exitCode).toBe(3);
    expect(nothing.err).toContain('has nothing left to do');
  });

  test('is done all the same: a second run of its slot says so, unless it is forced', async () => {
    const site = quietSite();
    const again = (...flags: readonly string[]) => site.at('2026-11-19T03:20:00Z', 'daily', ...flags);
    expect((await site.at(NIGHT, 'daily', '--slot', 'auto')).exitCode).toBe(0);
    const second = await again('--slot', '2026-11-19T03:17Z');
    expect(second.exitCode).toBe(3);
    expect(second.err).toContain('already done');
    expect(await again('--cron')).toEqual({ exitCode: 0, out: '', err: '' });
    expect((await again('--slot', 'auto', '--force')).exitCode).toBe(0);
    expect(site.entries('daily').filter(({ run }) => run !== null)).toHaveLength(2);
  });
});
