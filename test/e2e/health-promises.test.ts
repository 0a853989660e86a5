import { Client } from 'pg';
import { expect } from 'vitest';
import { z } from 'zod';
import { closedPort } from '../support/line-server.ts';
import { test, type Site } from '../support/site.ts';

const stepSchema = z.object({
  title: z.string(),
  verdict: z.string(),
  summary: z.string().min(1),
  remediation: z.array(z.string()),
  facts: z.record(z.string(), z.unknown()),
  concern: z.object({ check: z.string(), dimension: z.string(), alertClass: z.string(), impact: z.string().min(1) }),
});
const reportSchema = z.object({ tasks: z.array(z.object({ steps: z.array(stepSchema) })) });

async function look(site: Site): Promise<{ exitCode: number | null; steps: readonly z.infer<typeof stepSchema>[] }> {
  const { exitCode, stdout, stderr } = await site.run('health', '--json');
  expect(stdout, stderr).not.toBe('');
  return { exitCode, steps: reportSchema.parse(JSON.parse(stdout)).tasks.flatMap(({ steps }) => steps) };
}

test('a healthy site is exit code 0, and each result says what it is about and has a runbook', async ({ site }) => {
  let looked: Awaited<ReturnType<typeof look>> = { exitCode: null, steps: [] };
  // What other tests do for a moment to the server that all of them share may be worth a warning.
  const verdicts = async (): Promise<ReadonlySet<string>> => {
    looked = await look(site);
    return new Set(looked.steps.map(({ verdict }) => verdict));
  };
  await expect.poll(verdicts, { timeout: 40_000, interval: 2_000 }).toEqual(new Set(['done', 'skip']));
  const { exitCode, steps } = looked;
  expect(exitCode).toBe(0);
  const checks = [...new Set(steps.map(({ concern }) => concern.check))];
  expect(checks.length).toBeGreaterThan(12);
  for (const check of checks) expect((await site.run('runbook', check)).stdout).toContain('**What it means.**');
}, 60_000);

test('with the database away there is one failure and one alert, within ten seconds; all that would ask it is skipped', async ({
  site,
}) => {
  site.env['DATABASE_URL'] = `postgres://postgres@127.0.0.1:${await closedPort()}/app`;
  const startedMs = performance.now();
  const { exitCode, steps } = await look(site);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  expect(exitCode).toBe(1);
  expect(steps.filter(({ verdict }) => verdict === 'fail').map(({ title }) => title)).toEqual(['database answers']);
  const skipped = steps.filter(({ summary }) => summary === 'the database does not answer');
  expect(skipped.length).toBeGreaterThan(9);
  for (const { verdict, facts } of skipped)
    expect([verdict, facts]).toEqual(['skip', { inhibitedBy: 'database answers' }]);
  expect(site.receiver.accepted().filter(({ path }) => path.startsWith('/hook'))).toHaveLength(1);
});

test('a run has one connection to the database at a time', async ({ site }) => {
  const watcher = new Client({ connectionString: site.database.url });
  await watcher.connect();
  try {
    const seen: number[] = [];
    const over = new AbortController();
    // Long enough to be seen, and it tells the session by its name.
    const dataCounts = [{ name: 'slow', sql: 'SELECT 1 + count(pg_sleep(1))' }];
    const room = { warnAt: 0.98, failAt: 0.99 };
    // Without `disks` the database is asked where it lies while the run is planned, too.
    const health = { disk: room, memory: room, dataCounts };
    site.configure({ tasks: { health } });
    const run = look(site).finally(() => over.abort());
    while (!over.signal.aborted) {
      const { rows } = await watcher.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name ~ '^maint/' AND datname = current_database()`,
      );
      seen.push(rows[0]?.count ?? 0);
    }
    expect((await run).exitCode).toBe(0);
    expect(Math.max(...seen)).toBe(1);
  } finally {
    await watcher.end();
  }
});
