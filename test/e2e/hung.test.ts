import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { Client } from 'pg';
import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';
import { portOf } from '../support/certificates.ts';
import { test, type Site } from '../support/site.ts';

const reportSchema = z.object({
  tasks: z.array(
    z.object({ steps: z.array(z.object({ title: z.string(), verdict: z.string(), summary: z.string() })) }),
  ),
});

/** What the whole run may take by the clock on the wall, from starting the program to its exit. */
const LIMIT_MS = 30_000;

interface Looked {
  readonly exitCode: number | null;
  readonly tookMs: number;
  /** `verdict: summary`, by title. */
  readonly steps: Readonly<Record<string, string>>;
}

async function look(site: Site): Promise<Looked> {
  const startedMs = performance.now();
  const { exitCode, stdout, stderr } = await site.run('health', '--json');
  const tookMs = performance.now() - startedMs;
  expect(stdout, stderr).not.toBe('');
  const steps = reportSchema.parse(JSON.parse(stdout)).tasks.flatMap((task) => task.steps);
  return {
    exitCode,
    tookMs,
    steps: Object.fromEntries(steps.map(({ title, verdict, summary }) => [title, `${verdict}: ${summary}`])),
  };
}

/** Takes connections, and never says anything: what a hung process looks like from outside. */
async function serveSilence(): Promise<number> {
  const server: Server = createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return portOf(server.address());
}

/** Takes questions, and answers none. */
async function silentNameServer(): Promise<string> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

const DATABASE = ['database answers', 'connections', 'sequences', 'invalid indexes', 'clock'];
const THIS_HOST = ['memory', 'descriptors', 'state'];

test('with everything hung around it a run ends in time, and every check has its own answer', async ({ site }) => {
  const port = await serveSilence();
  const names = await silentNameServer();
  await site.database.query('CREATE TABLE locked (id int)');
  const holder = new Client({ connectionString: site.database.url });
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE locked IN ACCESS EXCLUSIVE MODE');
  const many = (count: number, made: (index: number) => object): readonly object[] =>
    Array.from({ length: count }, (_, index) => made(index));
  site.configure({
    tasks: {
      health: {
        disks: [site.folder],
        disk: { warnAt: 0.97, failAt: 0.99 },
        http: many(5, (index) => ({ name: `hung ${index}`, url: `http://127.0.0.1:${port}/` })),
        tcp: [{ name: 'well', host: '127.0.0.1', port }],
        redis: [
          { name: 'hung', url: `redis://127.0.0.1:${port}` },
          { name: 'hung in TLS', url: `rediss://127.0.0.1:${port}` },
        ],
        smtp: [{ name: 'hung', host: '127.0.0.1', port }],
        dns: [{ name: 'hung', host: 'app.example', server: names }],
        objectStorage: [
          {
            name: 'hung',
            bucket: 'files',
            endpoint: `http://127.0.0.1:${port}`,
            accessKeyId: 'a',
            secretAccessKey: 's',
          },
        ],
        dataCounts: [
          { name: 'locked', sql: 'SELECT count(*) FROM locked' },
          { name: 'endless', sql: 'SELECT count(pg_sleep(600))' },
          { name: 'well', sql: 'SELECT 7' },
        ],
        endToEnd: [
          {
            name: 'hung',
            url: `http://127.0.0.1:${port}/`,
            body: '{token}',
            arrivals: [{ what: 'a row', sql: "SELECT 1 WHERE '{token}' = ''" }],
          },
        ],
      },
    },
  });
  try {
    const { exitCode, tookMs, steps } = await look(site);
    expect(tookMs).toBeLessThan(LIMIT_MS);
    expect(exitCode).toBe(1);
    for (const title of [...DATABASE, ...THIS_HOST, `disk ${site.folder}`, 'tcp well', 'data counts well'])
      expect(`${title} ${steps[title]}`).toMatch(/ done: /);
    for (const title of ['http hung 0', 'http hung 4', 'redis hung', 'redis hung in TLS', 'smtp hung', 'dns hung'])
      expect(`${title} ${steps[title]}`).toMatch(/ fail: .*within 5.0 s/);
    expect(steps['object storage hung']).toMatch(/^fail: /);
    expect(steps['end to end hung']).toMatch(/^fail: /);
    expect(steps['data counts locked']).toMatch(/^crash: .*lock/);
    expect(steps['data counts endless']).toMatch(/^crash: /);
  } finally {
    await holder.end();
  }
}, 60_000);

test('what has no answer when the time of all is over could not be found out, and what comes after is named', async ({
  site,
}) => {
  const port = await serveSilence();
  site.configure({
    tasks: {
      health: {
        within: '3s',
        disks: [site.folder],
        disk: { warnAt: 0.97, failAt: 0.99 },
        http: [{ name: 'patient', url: `http://127.0.0.1:${port}/`, timeout: '10 min' }],
        dataCounts: [
          { name: 'one', sql: 'SELECT count(pg_sleep(600))' },
          { name: 'two', sql: 'SELECT 7' },
        ],
      },
    },
  });
  const { exitCode, tookMs, steps } = await look(site);
  expect(exitCode).toBe(4);
  expect(tookMs).toBeLessThan(10_000);
  const late = 'crash: no answer in the 3.0 s that all of the task may take';
  expect(steps).toMatchObject({ 'http patient': late, 'data counts one': late, 'data counts two': late });
  expect(steps['database answers']).toMatch(/^done: /);
  const asleep = await site.database.query(
    `SELECT 1 FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid() AND datname = current_database()`,
  );
  expect(asleep).toEqual([]);
}, 60_000);

test('a database that takes connections and says nothing costs neither the time nor the other checks', async ({
  site,
}) => {
  const port = await serveSilence();
  site.configure({
    database: { url: `postgres://app@127.0.0.1:${port}/app` },
    tasks: {
      health: {
        http: [{ name: 'hung', url: `http://127.0.0.1:${port}/` }],
        tcp: [{ name: 'well', host: '127.0.0.1', port }],
      },
    },
  });
  const { exitCode, tookMs, steps } = await look(site);
  expect(tookMs).toBeLessThan(LIMIT_MS);
  expect(exitCode).toBe(1);
  expect(steps['database answers']).toMatch(/^fail: /);
  expect(steps['connections']).toBe('skip: the database does not answer');
  expect(steps['http hung']).toMatch(/^fail: .*within 5.0 s/);
  expect(steps['tcp well']).toMatch(/^done: /);
}, 60_000);
