import { randomUUID } from 'node:crypto';
import { describe, expect } from 'vitest';
import { openSession } from '../../src/adapters/postgres.ts';
import { sql } from '../../src/adapters/sql.ts';
import { claimedSlot, leaseHolder, takeLease, type LeaseRequest } from '../../src/engine/lease.ts';
import { LIMITS, queryOnce, test } from '../support/database.ts';

const SLOT = new Date('2026-11-21T03:17:00Z');

function request(database: LeaseRequest['database'], holder: string): LeaseRequest {
  return { database, name: 'app', holder, run: randomUUID(), onLost: () => undefined };
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
    expect(await leaseHolder(session, 'app')).toContain('a, last heard of');
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
    await stale?.finishSlot('daily');
    expect(await claimedSlot(session, 'app', 'daily')).toEqual({ slot: SLOT, isFinished: false });
    await lease?.finishSlot('daily');
    expect(await lease?.claimSlot('daily', SLOT)).toBe(false);
    expect(await lease?.claimSlot('daily', new Date(SLOT.getTime() - 1))).toBe(false);
    expect(await lease?.claimSlot('weekly', SLOT)).toBe(true);
    await lease?.[Symbol.asyncDispose]();
  });

  test('says which right is missing when the role may not make its schema', async ({ database }) => {
    const role = `r_${randomUUID().slice(0, 8)}`;
    await database.query(`CREATE ROLE ${role} LOGIN`);
    await using session = openSession({
      connection: { ...database.connection, user: role },
      mode: 'read-write',
      limits: LIMITS,
      applicationName: 'maint/test',
    });
    await expect(takeLease(request(session, 'a'))).rejects.toMatchObject({ code: 'PERMISSION_MISSING' });
    await queryOnce(database.url, `DROP ROLE ${role}`);
  });
});
