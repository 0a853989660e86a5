import { inject, describe, expect, onTestFinished } from 'vitest';
import { setTimeout } from 'node:timers/promises';
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession, type Session } from '../../src/adapters/postgres.ts';
import { sql } from '../../src/adapters/sql.ts';
import { Secret } from '../../src/base/secret.ts';
import { claimedSlot, takeLease, type Lease } from '../../src/engine/lease.ts';
import { openJournalToRead } from '../../src/engine/sqlite-journal.ts';
import { LIMITS, queryOnce } from '../support/database.ts';
import { PGBOUNCER, startPooler } from '../support/pgbouncer.ts';
import { test, type Site } from '../support/site.ts';

const SLOT = new Date('2026-11-21T03:17:00Z');

/** Lets the site reach its database through a real PgBouncer in transaction mode, with so many connections. */
async function pool(site: Site, size: number): Promise<string> {
  const pooler = await startPooler(inject('socketDirectory'), size);
  onTestFinished(() => pooler[Symbol.asyncDispose]());
  const url = pooler.url(site.database.name);
  site.env['DATABASE_URL'] = url;
  return url;
}

function sessionTo(url: string): Session {
  const connection = parseConnection(new Secret(url));
  const session = openSession({ connection, mode: 'read-write', limits: LIMITS, applicationName: 'maint/test' });
  onTestFinished(() => session[Symbol.asyncDispose]());
  return session;
}

/** What the application would find in each of the sessions that the pooler has. */
async function settingsBehind(url: string, size: number): Promise<ReadonlySet<string>> {
  const look = `SELECT pg_sleep(0.2), concat_ws(' ', current_setting('search_path'), current_setting('statement_timeout'),
    current_setting('lock_timeout'), current_setting('default_transaction_read_only')) AS settings`;
  const found = await Promise.all(Array.from({ length: size }, () => queryOnce<{ settings: string }>(url, look)));
  return new Set(found.flat().map(({ settings }) => settings));
}

const UNTOUCHED = new Set(['"$user", public 0 0 off']);

const noBackup = { backup: { enabled: false }, health: { disks: [], memory: { warnAt: 0.97, failAt: 0.99 } } };

describe.skipIf(PGBOUNCER === undefined)(
  'behind PgBouncer in transaction mode (Debian: apt-get install pgbouncer)',
  () => {
    test('one of many hosts gets the lease and the slot, keeps it by heartbeats, and loses it by the fence', async ({
      site,
    }) => {
      const url = await pool(site, 3);
      const ask = (holder: string, ttlSeconds = 90) =>
        takeLease({
          database: sessionTo(url),
          name: 'app',
          holder,
          run: crypto.randomUUID(),
          ttlSeconds,
          onLost: () => lost.push(holder),
        });
      const lost: string[] = [];
      const leases = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(`host${index}`)));
      const won = leases.filter((lease): lease is Lease => lease !== undefined);
      expect(won).toHaveLength(1);
      expect(await won[0]?.claimSlot('daily', SLOT)).toBe(true);
      expect(await won[0]?.finishSlot('daily', 'done')).toBe(true);
      await won[0]?.[Symbol.asyncDispose]();
      const beating = await ask('beating', 2);
      expect(await beating?.claimSlot('daily', SLOT), 'the slot is done').toBe(false);
      await setTimeout(4_500);
      expect(await ask('late'), 'the heartbeats have kept it').toBeUndefined();
      await site.database.query(`UPDATE maint.lease SET expires_at = now() - interval '1 second', fence = fence + 1`);
      const newer = await ask('newer');
      expect(await beating?.finishSlot('daily', 'fail')).toBe(false);
      await expect.poll(() => lost).toEqual(['beating']);
      expect(newer?.fence).toBe((beating?.fence ?? 0) + 2);
      expect(await claimedSlot(sessionTo(url), 'app', 'daily')).toMatchObject({ isFinished: true, result: 'done' });
      await newer?.[Symbol.asyncDispose]();
      expect(
        await site.database.query(
          `SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()`,
        ),
      ).toEqual([]);
    });

    test('whole rounds of several hosts run a slot once, tick and health are well, and no setting stays behind', async ({
      site,
    }) => {
      const url = await pool(site, 3);
      await site.database.query('CREATE TABLE users (id int PRIMARY KEY, seen timestamptz NOT NULL)');
      await site.database.query(
        `INSERT INTO users SELECT g, now() - g * interval '1 day' FROM generate_series(1, 1000) g`,
      );
      const prune = {
        rules: [{ name: 'old', table: 'users', age: 'seen', olderThan: '100 days', action: 'delete', maxShare: 1 }],
      };
      site.configure({ tasks: { ...noBackup, prune: { enabled: true, tier: 'daily', ...prune } } });
      const hosts = ['a', 'b', 'c', 'd'].map((host) => `${site.folder}/${host}`);
      const ends = await Promise.all(hosts.map((state) => site.run('daily', '--cron', '--state', state)));
      expect(ends).toEqual(ends.map(() => ({ exitCode: 0, signal: null, stdout: '', stderr: '' })));
      const ran = hosts.flatMap((state) => {
        using journal = openJournalToRead(`${state}/app`);
        return journal.ledger.entries('daily', 10).filter(({ run }) => run !== null);
      });
      expect(ran).toMatchObject([{ exitCode: 0, fence: expect.any(Number) }]);
      expect((await site.database.query<{ count: number }>('SELECT count(*)::int FROM users'))[0]?.count).toBeLessThan(
        101,
      );
      expect(await site.run('tick', '--cron')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
      expect((await site.run('health')).exitCode).toBe(0);
      expect(await site.database.query('SELECT host FROM maint.heartbeat')).toHaveLength(1);
      expect(await settingsBehind(url, 3)).toEqual(UNTOUCHED);
    });

    test('a backup is refused by name before pg_dump can leave its empty search_path to the application', async ({
      site,
    }) => {
      for (const size of [1, 3]) {
        const url = await pool(site, size);
        // All connections have been in use, as behind an application.
        await settingsBehind(url, size);
        const end = await site.run('backup');
        expect(end.exitCode).toBe(1);
        expect(end.stdout).toContain('DATABASE_POOLED');
        expect(end.stdout).toContain('Name the server itself in the database URL');
        expect(await settingsBehind(url, size)).toEqual(UNTOUCHED);
      }
      expect(site.visible()).toEqual([]);
      site.env['DATABASE_URL'] = site.database.url;
      expect((await site.run('backup')).exitCode).toBe(0);
    });

    test('a statement is cancelled at the process that serves it', async ({ site }) => {
      const session = sessionTo(await pool(site, 3));
      const stop = new AbortController();
      const sleeping = session.within(stop.signal).rows(sql`SELECT 1 FROM pg_sleep(20)`);
      await expect
        .poll(() =>
          site.database.query(
            `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
          ),
        )
        .toHaveLength(1);
      stop.abort(new Error('stopped'));
      await expect(sleeping).rejects.toThrow('stopped');
      expect(
        await site.database.query(
          `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
        ),
      ).toEqual([]);
    }, 15_000);
  },
);
