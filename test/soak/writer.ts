import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Cluster } from '../../src/adapters/cluster.ts';

const ROWS_PER_BATCH = 10;
/** 200 rows a second. */
const BATCH_EVERY_MS = 50;
/** Enough that a kill meets a dump in the middle, and that restore tests unpack it first. */
const OLD_ROWS = 500_000;

/** Fills the database with what was there before the soak. */
export async function prepareTables(cluster: Cluster): Promise<void> {
  const client = await connected(cluster);
  await client.query(`
    CREATE TABLE old (id int PRIMARY KEY, note text NOT NULL);
    INSERT INTO old SELECT n, md5(n::text) || md5(random()::text) FROM generate_series(1, ${OLD_ROWS}) AS n;
    CREATE TABLE accounts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
    CREATE TABLE entries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account bigint NOT NULL, note text,
                          created_at timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON entries (account);
    CREATE MATERIALIZED VIEW per_account AS SELECT account, count(*) AS entries FROM entries GROUP BY account`);
  await client.end();
}

/**
 * Writes until the signal, into two tables at once, and comes back when its session was killed.
 * @returns how many rows were written for sure
 */
export async function startWriter(cluster: Cluster, signal: AbortSignal): Promise<number> {
  let written = 0;
  while (!signal.aborted) {
    try {
      const client = await connected(cluster);
      for (let next = performance.now(); !signal.aborted; next += BATCH_EVERY_MS) {
        await client.query(BATCH);
        written += ROWS_PER_BATCH;
        await sleep(Math.max(0, next + BATCH_EVERY_MS - performance.now()));
      }
      await client.end();
    } catch {
      // Killed, or the server is just recovering from such a kill.
      await sleep(200);
    }
  }
  return written;
}

const BATCH = `
  WITH account AS (INSERT INTO accounts (name) VALUES ('customer') RETURNING id)
  INSERT INTO entries (account, note)
  SELECT id, repeat('x', (random() * 200)::int) FROM account, generate_series(2, ${ROWS_PER_BATCH})`;

async function connected({ socketDirectory: host, port, superuser: user }: Cluster): Promise<Client> {
  const client = new Client({ host, port, user, database: 'postgres' });
  // What a lost connection says is said by the next query too.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
