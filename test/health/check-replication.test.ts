import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startCluster, type Cluster } from '../../src/adapters/cluster.ts';
import { eventually } from '../support/client.ts';
import { queryOnce } from '../support/database.ts';
import { runHealth } from '../support/health-context.ts';
import { startStandby, type Standby } from '../support/standby.ts';

let cluster: Cluster;
let url: string;

beforeAll(async () => {
  cluster = await startCluster({
    binDirectory: inject('binDirectory'),
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
  });
  url = cluster.url('postgres');
  await queryOnce(url, 'CREATE TABLE orders (id int)');
});

afterAll(async () => cluster[Symbol.asyncDispose]());

async function replication(settings: object = {}, from = url) {
  return (await runHealth(from, { settings: { disks: [], replication: settings } }))['replication'];
}

async function write(rows: number): Promise<void> {
  await queryOnce(url, `INSERT INTO orders SELECT generate_series(1, ${rows})`);
}

test('a server that nobody follows is skipped', async () => {
  expect(await replication()).toMatchObject({ verdict: 'skip', summary: 'no standby and no replication slot' });
});

test('a slot that nobody uses is told with what it keeps, until it is dropped as told', async () => {
  await queryOnce(url, `SELECT pg_create_physical_replication_slot('left_over', true)`);
  await write(20_000);
  expect(await replication()).toMatchObject({
    verdict: 'done',
    summary: expect.stringMatching(/^slot left_over, which nobody uses, keeps .* MB of write-ahead log$/),
    samples: [{ name: 'replication.retained', subject: 'left_over', unit: 'bytes' }],
  });
  expect((await replication({ warnRetained: '1 kB' }))?.verdict).toBe('warn');
  const found = await replication({ warnRetained: '1 kB', failRetained: '2 kB' });
  expect(found).toMatchObject({ verdict: 'fail', facts: { links: [{ slot: 'left_over', isActive: false }] } });
  await queryOnce(url, found?.remediation[0] ?? '');
  expect((await replication())?.verdict).toBe('skip');
});

describe('a standby', () => {
  let standby: Standby;

  beforeAll(async () => {
    await queryOnce(url, `SELECT pg_create_physical_replication_slot('follower')`);
    standby = startStandby(cluster, inject('binDirectory'), 'follower');
  });

  afterAll(() => standby[Symbol.dispose]());

  async function isFollowing(): Promise<boolean> {
    return (await queryOnce(url, `SELECT FROM pg_stat_replication WHERE state = 'streaming'`)).length === 1;
  }

  test('is seen from both sides', async () => {
    await eventually('it follows', isFollowing);
    expect(await replication()).toMatchObject({
      verdict: 'done',
      summary: expect.stringMatching(/^standby standby is .* behind; slot follower keeps .* of write-ahead log$/),
      facts: {
        links: [
          { replica: 'standby', state: 'streaming' },
          { slot: 'follower', isActive: true },
        ],
      },
    });
    expect(await replication({}, standby.url('postgres'))).toMatchObject({
      verdict: 'done',
      summary: expect.stringMatching(/^this standby is .* behind$/),
    });
  });

  test('is asked for its role', async () => {
    const role = async (from: string, expectRole: string) =>
      (await runHealth(from, { settings: { disks: [], expectRole } }))['database role'];
    expect(await role(standby.url('postgres'), 'standby')).toMatchObject({ verdict: 'done' });
    expect(await role(url, 'primary')).toMatchObject({ verdict: 'done', summary: 'a primary, as expected' });
    expect(await role(standby.url('postgres'), 'primary')).toMatchObject({
      verdict: 'fail',
      summary: 'a standby, but a primary is expected',
      remediation: expect.arrayContaining([expect.stringContaining('pg_promote')]),
    });
    expect((await role(url, 'standby'))?.verdict).toBe('fail');
    expect(await runHealth(url, { settings: { disks: [] } })).not.toHaveProperty('database role');
  });

  test('answers every question of health', async () => {
    const steps = Object.values(await runHealth(standby.url('postgres'), { settings: { disks: [] } }));
    expect(steps.filter(({ verdict }) => verdict === 'crash' || verdict === 'fail')).toEqual([]);
  });

  test('whose replay is held up is behind, in bytes on the primary and in time on itself', async () => {
    await queryOnce(standby.url('postgres'), 'SELECT pg_wal_replay_pause()');
    await write(20_000);
    const settings = { warnAfter: '1ms', failAfter: '1 h', warnBytes: '64 kB', failBytes: '1 GB' };
    await eventually('the primary knows', async () => (await replication(settings))?.verdict === 'warn');
    expect(await replication(settings)).toMatchObject({
      summary: expect.stringMatching(/^standby standby is .*[kM]B.* behind$/),
      remediation: expect.arrayContaining([expect.stringContaining('pg_stat_wal_receiver')]),
    });
    expect((await replication({ warnBytes: '1 kB', failBytes: '2 kB' }))?.verdict).toBe('fail');
    expect((await replication(settings, standby.url('postgres')))?.verdict).toBe('warn');
    await queryOnce(standby.url('postgres'), 'SELECT pg_wal_replay_resume()');
    await eventually('it caught up', async () => (await replication({}, standby.url('postgres')))?.verdict === 'done');
  });

  // The standby sees it when its own clocks have run out, which on a busy machine may take longer than anybody waits.
  test('that lost its primary says so', { retry: 2 }, async () => {
    // So that it has nothing to replay when it starts again.
    await queryOnce(url, 'CHECKPOINT');
    await eventually('it caught up', async () => (await replication({}, standby.url('postgres')))?.verdict === 'done');
    await queryOnce(standby.url('postgres'), 'CHECKPOINT');
    await cluster.stop();
    try {
      const soon = { warnAfter: '1ms', failAfter: '1 h' };
      const from = standby.url('postgres');
      const cutOff = {
        verdict: 'warn',
        summary: expect.stringMatching(/^this standby is .* behind, without a connection to its primary$/),
        remediation: expect.arrayContaining([expect.stringContaining('cannot connect')]),
      };
      await expect.poll(async () => replication(soon, from), { timeout: 30_000 }).toMatchObject(cutOff);
      standby.restart();
      expect(await replication(soon, from), 'nothing replayed since its start').toMatchObject(cutOff);
    } finally {
      await cluster.start();
    }
  });
});
