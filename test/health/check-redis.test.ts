import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/engine/outcome.ts';
import { openWorkshop } from '../support/certificates.ts';
import { lookOnce } from '../support/looking.ts';
import { hasRedis, startRedis } from '../support/redis.ts';
import { test as withSite } from '../support/site.ts';

const ONCE = { retryAfter: '1ms', warnAfter: '4s' };

async function look(url: string, more: object = {}): Promise<Outcome> {
  return lookOnce('redis', { redis: [{ url, ...ONCE, ...more }] });
}

describe.skipIf(!hasRedis)('a real server of Redis (Debian: apt-get install redis-server)', () => {
  test('without a password answers, and has no memory to run out of unless it was given one', async () => {
    const { port } = await startRedis();
    const outcome = await look(`redis://127.0.0.1:${port}`);
    expect(outcome).toMatchObject({ status: 'done', summary: expect.stringMatching(/^PONG in /) });
    expect(outcome.facts).not.toHaveProperty('maxBytes');
  });

  test('takes the right password and the right user, refuses all others, and repeats none', async () => {
    const { port, cli } = await startRedis({ settings: { requirepass: 's3cr:t@/' } });
    cli('-a', 's3cr:t@/', 'ACL', 'SETUSER', 'probe', 'on', '>ot her%', '+ping');
    const [right, other] = ['s3cr:t@/', 'ot her%'].map(encodeURIComponent);
    expect(await look(`redis://:${right}@127.0.0.1:${port}`)).toMatchObject({ status: 'done' });
    // It may send PING and nothing else: that its memory stays unknown must not make it a failure.
    expect(await look(`redis://probe:${other}@127.0.0.1:${port}`)).toMatchObject({ status: 'done' });
    const wrong = await look(`redis://probe:wr0ng@127.0.0.1:${port}`);
    expect(wrong).toMatchObject({ status: 'fail', summary: expect.stringContaining('answered AUTH with -WRONGPASS') });
    expect(JSON.stringify(wrong)).not.toContain('wr0ng');
    expect(await look(`redis://127.0.0.1:${port}`)).toMatchObject({
      status: 'fail',
      summary: expect.stringContaining('answered PING with -NOAUTH'),
    });
  });

  test('that still reads its data after a start fails, and says so', async () => {
    const first = await startRedis();
    first.cli('EVAL', "for i = 1, 2000 do redis.call('SET', i, i) end", '0');
    first.cli('SAVE');
    await first.stop();
    const slow = { 'key-load-delay': '5000', 'loading-process-events-interval-bytes': '1024' };
    const { port } = await startRedis({ folder: first.folder, settings: slow });
    expect(await look(`redis://127.0.0.1:${port}`)).toMatchObject({
      status: 'fail',
      summary: expect.stringContaining('answered PING with -LOADING'),
      remediation: expect.arrayContaining([expect.stringContaining('loading:1')]),
    });
  });

  test('whose memory is full and that evicts nothing fails although it answers; nearly full warns', async () => {
    const { port, cli } = await startRedis({ settings: { maxmemory: '8mb', 'maxmemory-policy': 'noeviction' } });
    const url = `redis://127.0.0.1:${port}`;
    expect(await look(url)).toMatchObject({ status: 'done', facts: { maxBytes: 8 * 2 ** 20, policy: 'noeviction' } });
    expect(await look(url, { warnMemoryAt: 0.01 })).toMatchObject({
      status: 'warn',
      summary: expect.stringMatching(/^nearly full: .* of 8\.\d MB used, and noeviction; PONG in /),
    });
    cli('CONFIG', 'SET', 'maxmemory', '100kb');
    expect(cli('SET', 'a', 'b')).toContain('OOM');
    expect(await look(url)).toMatchObject({
      status: 'fail',
      summary: expect.stringMatching(/^full: .* every write is refused$/),
      remediation: expect.arrayContaining([expect.stringContaining('INFO memory')]),
    });
    cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await look(url)).toMatchObject({ status: 'done' });
  });

  test('that cannot write its snapshot, and so takes no writes, fails', async () => {
    const { port, folder, cli } = await startRedis({ settings: { save: '3600 1' } });
    expect(cli('PING')).toContain('PONG');
    // Where the snapshot would get its name there is a folder.
    mkdirSync(join(folder, 'dump.rdb'));
    cli('BGSAVE');
    await expect.poll(() => cli('INFO', 'persistence')).toContain('rdb_last_bgsave_status:err');
    expect(await look(`redis://127.0.0.1:${port}`)).toMatchObject({
      status: 'fail',
      summary: expect.stringContaining('answered PING with -MISCONF'),
    });
  });

  withSite('over TLS answers where this host trusts its certificate, and only there', async ({ site }) => {
    using workshop = openWorkshop();
    const authority = workshop.make({ name: 'Test Root', isAuthority: true });
    const { certificateFile, keyFile } = workshop.make({ name: 'cache', names: 'IP:127.0.0.1', by: authority });
    const { port } = await startRedis({
      settings: {
        port: '0',
        'tls-port': '$PORT',
        'tls-cert-file': certificateFile,
        'tls-key-file': keyFile,
        'tls-ca-cert-file': authority.certificateFile,
        'tls-auth-clients': 'no',
        requirepass: 'secret',
      },
    });
    const url = `rediss://:secret@127.0.0.1:${port}`;
    expect(await look(url)).toMatchObject({ status: 'fail', summary: expect.stringContaining('certificate') });
    const redis = [{ name: 'cache', url, ...ONCE }];
    site.configure({ tasks: { health: { disks: [], memory: { warnAt: 0.97, failAt: 0.99 }, redis } } });
    site.env['NODE_EXTRA_CA_CERTS'] = authority.certificateFile;
    expect((await site.run('health')).stdout).toMatch(/redis cache .*PONG in/);
  });
});
