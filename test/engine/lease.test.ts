import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import type { Connection } from '../../src/adapters/connection.ts';
import { openSession, type Database } from '../../src/adapters/postgres.ts';
import { sql } from '../../src/adapters/sql.ts';
import { claimedSlot, leaseHolder, takeLease, type Lease, type LeaseRequest } from '../../src/engine/lease.ts';
import { beat } from '../../src/engine/peers.ts';
import { LIMITS, queryOnce, test, type TestDatabase } from '../support/database.ts';
import { until } from '../support/process-table.ts';

const SLOT = new Date('2026-11-21T03:17:00Z');

function request(database: LeaseRequest['database'], holder: string): LeaseRequest {
  return { database, name: 'app', holder, run: randomUUID(), onLost: () => undefined };
}

/** Hands each statement to another backend in turn, as a pooler may between two transactions. */
interface Pooled extends Database, AsyncDisposable {
  /** Process ids of the backends that were used. */
  readonly backends: ReadonlySet<number>;
}

function pooledSession(connection: Connection): Pooled {
  const open = () => openSession({ connection, mode: 'read-write', limits: LIMITS, applicationName: 'maint/test' });
  const sessions = [open(), open()];
  const backends = new Set<number>();
  let turn = 0;
  const next = async () => {
    turn += 1;
    const session = sessions[turn % 2] ?? open();
    const [row] = await session.rows(sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`);
    backends.add(row?.pid ?? 0);
    return session;
  };
  const refuse = async (): Promise<never> => {
    throw new Error('coordination needs no more than single statements');
  };
  return {
    name: 'pooled',
    backends,
    server: async () => (await next()).server(),
    rows: async (statement) => (await next()).rows(statement),
    run: async (statement) => (await next()).run(statement),
    transaction: refuse,
    command: refuse,
    snapshot: refuse,
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) await session[Symbol.asyncDispose]();
    },
  };
}

describe('the lease', () => {
  test('belongs to one holder at a time, among thirty that ask at once', async ({ database }) => {
    const sessions = Array.from({ length: 30 }, () =>
      openSession({
        connection: database.connection,
        mode: 'read-write',
        limits: LIMITS,
        applicationName: 'maint/test',
      }),
    );
    const leases = await Promise.all(sessions.map((session, index) => takeLease(request(session, `host${index}`))));
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
    await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
  });

  test('is free again after its release, with a higher fence', async ({ session }) => {
    const first = await takeLease(request(session, 'a'));
    expect(await takeLease(request(session, 'b'))).toBeUndefined();
    expect(await leaseHolder(session, 'app')).toContain('a (fence 1), last heard of');
    await first?.[Symbol.asyncDispose]();
    const second = await takeLease(request(session, 'b'));
    expect(second?.fence).toBe((first?.fence ?? 0) + 1);
    await second?.[Symbol.asyncDispose]();
  });

  test('left behind by a killed run stops its own host never, and others until it expires', async ({ session }) => {
    const killed = await takeLease(request(session, 'a'));
    expect(await takeLease(request(session, 'b'))).toBeUndefined();
    expect(await takeLease(request(session, 'a'))).toBeDefined();
    await session.run(sql`UPDATE maint.lease SET expires_at = now() - interval '1 second'`);
    expect(await takeLease(request(session, 'b'))).toBeDefined();
    await killed?.[Symbol.asyncDispose]();
    // The late release of the killed run does not touch the lease of its successor.
    expect(await takeLease(request(session, 'c'))).toBeUndefined();
  });

  test('taken over by another host tells the one that lost it', async ({ session }) => {
    const lost = Promise.withResolvers<string>();
    const slow = { ...request(session, 'a'), ttlSeconds: 0.06, onLost: () => lost.resolve('lost') };
    await using lease = await takeLease(slow);
    expect(lease?.fence).toBe(1);
    await session.run(sql`UPDATE maint.lease SET holder = 'b', fence = fence + 1`);
    expect(await lost.promise).toBe('lost');
  });

  test('gives each slot to one run, again while unfinished, and never after', async ({ session }) => {
    const stale = await takeLease(request(session, 'a'));
    expect(await stale?.claimSlot('daily', SLOT)).toBe(true);
    const lease = await takeLease(request(session, 'a'));
    expect(await lease?.claimSlot('daily', SLOT)).toBe(true);
    // One that wakes up late must not end what its successor is still doing.
    expect(await stale?.finishSlot('daily', 'fail')).toBe(false);
    expect(await claimedSlot(session, 'app', 'daily')).toMatchObject({ slot: SLOT, isFinished: false, fence: 2 });
    expect(await lease?.finishSlot('daily', 'done')).toBe(true);
    expect(await lease?.claimSlot('daily', SLOT)).toBe(false);
    expect(await lease?.claimSlot('daily', new Date(SLOT.getTime() - 1))).toBe(false);
    expect(await lease?.claimSlot('weekly', SLOT)).toBe(true);
    await lease?.[Symbol.asyncDispose]();
  });

  test('that was lost claims no slot and writes no result, even where the new holder has not come so far', async ({
    session,
  }) => {
    const slow = await takeLease(request(session, 'a'));
    await session.run(sql`UPDATE maint.lease SET expires_at = now() - interval '1 second'`);
    const newer = await takeLease(request(session, 'b'));
    expect([await slow?.isHeld(), await newer?.isHeld()]).toEqual([false, true]);
    expect(await slow?.claimSlot('daily', SLOT)).toBe(false);
    expect(await newer?.claimSlot('daily', SLOT)).toBe(true);
    await session.run(sql`UPDATE maint.lease SET expires_at = now() - interval '1 second'`);
    const newest = await takeLease(request(session, 'c'));
    expect(await newer?.finishSlot('daily', 'done'), 'its claim still stands, its lease does not').toBe(false);
    expect(await claimedSlot(session, 'app', 'daily')).toMatchObject({ isFinished: false, fence: 2 });
    for (const lease of [slow, newer, newest]) await lease?.[Symbol.asyncDispose]();
  });

  test('finds tables of an older maint, and brings them up to date', async ({ session }) => {
    const first = await takeLease(request(session, 'a'));
    await first?.claimSlot('daily', SLOT);
    await first?.[Symbol.asyncDispose]();
    await session.run(sql`ALTER TABLE maint.slot DROP COLUMN fence, DROP COLUMN result`);
    await using lease = await takeLease(request(session, 'a'));
    expect(await claimedSlot(session, 'app', 'daily')).toMatchObject({ isFinished: false, fence: null });
    expect(await lease?.claimSlot('daily', SLOT)).toBe(true);
    expect(await lease?.finishSlot('daily', 'warn')).toBe(true);
    expect(await claimedSlot(session, 'app', 'daily')).toMatchObject({ fence: 2, result: 'warn' });
  });

  test('of a host that is frozen goes to another with a higher fence, and the first one stops when it wakes', async ({
    database,
    session,
  }) => {
    const script = fileURLToPath(new URL('../support/lease-holder.ts', import.meta.url));
    const frozen = spawn(process.execPath, [script, database.url, randomUUID()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    frozen.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await until('it is at work', () => said.includes('at work'));
    frozen.kill('SIGSTOP');
    const taken: Lease[] = [];
    while (taken.length === 0) {
      const lease = await takeLease(request(session, 'b'));
      if (lease !== undefined) taken.push(lease);
    }
    expect(taken[0]?.fence).toBe(2);
    expect(await taken[0]?.claimSlot('daily', SLOT)).toBe(true);
    frozen.kill('SIGCONT');
    await once(frozen, 'exit');
    expect(said).toContain('lost');
    // Its end does not count: the slot is that of the second host.
    expect(said).toContain('recorded false');
    expect(await claimedSlot(session, 'app', 'daily')).toMatchObject({ slot: SLOT, isFinished: false, result: null });
    expect(await taken[0]?.finishSlot('daily', 'done')).toBe(true);
    expect(await claimedSlot(session, 'app', 'daily')).toMatchObject({ isFinished: true, fence: 2, result: 'done' });
    await taken[0]?.[Symbol.asyncDispose]();
  });

  test('and slots are exact where each statement meets another backend, as behind a pooler', async ({ database }) => {
    const pooled = (): Pooled => pooledSession(database.connection);
    await using first = pooled();
    await using second = pooled();
    const [one, other] = await Promise.all(
      [first, second].map((each, index) => takeLease(request(each, `host${index}`))),
    );
    const lease = one ?? other;
    expect([one, other].filter((each) => each !== undefined)).toHaveLength(1);
    expect(await lease?.claimSlot('daily', SLOT)).toBe(true);
    await lease?.finishSlot('daily', 'done');
    await lease?.[Symbol.asyncDispose]();
    const late = await takeLease(request(one === undefined ? first : second, 'late'));
    expect(await late?.claimSlot('daily', SLOT)).toBe(false);
    await late?.[Symbol.asyncDispose]();
    expect(await beat({ database: first, project: 'app', host: 'a' })).toEqual([]);
    expect(await beat({ database: second, project: 'app', host: 'b' })).toMatchObject([{ host: 'a' }]);
    expect(first.backends.size + second.backends.size, 'it did alternate').toBe(4);
    const left = await database.query(
      `SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()`,
    );
    expect(left, 'no lock of a session is left anywhere').toEqual([]);
  });

  test('says which right is missing when the role may not make its schema', async ({ database }) => {
    const role = `r_${randomUUID().slice(0, 8)}`;
    await database.query(`CREATE ROLE ${role} LOGIN`);
    await using session = sessionAs(database, role);
    await expect(takeLease(request(session, 'a'))).rejects.toMatchObject({ code: 'PERMISSION_MISSING' });
    await queryOnce(database.url, `DROP ROLE ${role}`);
  });

  test('needs no right to make anything where an owner has made all', async ({ database, session }) => {
    await (await takeLease(request(session, 'owner')))?.[Symbol.asyncDispose]();
    await beat({ database: session, project: 'app', host: 'owner' });
    const role = `r_${randomUUID().slice(0, 8)}`;
    await database.query(`CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA maint TO ${role};
      GRANT SELECT, INSERT, UPDATE ON maint.lease, maint.slot TO ${role};
      GRANT SELECT, INSERT, UPDATE, DELETE ON maint.heartbeat TO ${role}`);
    await using modest = sessionAs(database, role);
    await using lease = await takeLease(request(modest, 'a'));
    expect(await lease?.claimSlot('daily', SLOT)).toBe(true);
    expect(await lease?.finishSlot('daily', 'done')).toBe(true);
    expect(await beat({ database: modest, project: 'app', host: 'a' })).toMatchObject([{ host: 'owner' }]);
    await lease?.[Symbol.asyncDispose]();
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  test('needs the right to make tables alone where the schema is there', async ({ database }) => {
    const role = `r_${randomUUID().slice(0, 8)}`;
    await database.query(`CREATE ROLE ${role} LOGIN; CREATE SCHEMA maint;
      GRANT USAGE, CREATE ON SCHEMA maint TO ${role}`);
    await using modest = sessionAs(database, role);
    await using lease = await takeLease(request(modest, 'a'));
    expect(lease?.fence).toBe(1);
    await lease?.[Symbol.asyncDispose]();
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
});

function sessionAs({ connection }: TestDatabase, user: string) {
  return openSession({
    connection: { ...connection, user },
    mode: 'read-write',
    limits: LIMITS,
    applicationName: 'maint/test',
  });
}
