import { randomBytes } from 'node:crypto';
import { Client, type QueryResultRow } from 'pg';
import { inject, test as base } from 'vitest';
import { parseConnection, type Connection } from '../../src/adapters/connection.ts';
import { openSession, type Session, type SessionLimits } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';

/** Limits that are generous enough for a busy test machine. */
export const LIMITS: SessionLimits = { connectTimeoutMs: 10_000, statementTimeoutMs: 30_000, lockTimeoutMs: 5_000 };

/** A database of its own for one test. */
export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  readonly connection: Connection;
  /** Runs SQL as the superuser, outside maint. */
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/** A database URL in the shared cluster. */
export function clusterUrl(database: string, user = 'postgres'): string {
  return `postgres://${user}@/${database}?host=${inject('socketDirectory')}&port=5432`;
}

/** Runs one statement with a connection of its own. */
export async function queryOnce<Row extends QueryResultRow>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const { host, port, database, user, password } = parseConnection(new Secret(url));
  const client = new Client({ host, port, database, user, password: password?.reveal() });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

interface Fixtures {
  database: TestDatabase;
  session: Session;
  reader: Session;
}

/** `test` with a fresh database. One that failed keeps its database for the length of the run and prints its URL. */
export const test = base.extend<Fixtures>({
  database: async ({ task }, use) => {
    const name = `t_${randomBytes(6).toString('hex')}`;
    await queryOnce(clusterUrl('postgres'), `CREATE DATABASE ${name}`);
    const url = clusterUrl(name);
    await use({
      name,
      url,
      connection: parseConnection(new Secret(url)),
      query: (text, values) => queryOnce(url, text, values),
    });
    if (task.result?.state === 'fail') console.error(`kept for a look: psql '${url}'`);
    else await queryOnce(clusterUrl('postgres'), `DROP DATABASE ${name} WITH (FORCE)`);
  },
  session: async ({ database }, use) => {
    await using session = openSession(sessionRequest(database.connection, 'read-write'));
    await use(session);
  },
  reader: async ({ database }, use) => {
    await using reader = openSession(sessionRequest(database.connection, 'read-only'));
    await use(reader);
  },
});

function sessionRequest(connection: Connection, mode: 'read-only' | 'read-write'): Parameters<typeof openSession>[0] {
  return { connection, mode, limits: LIMITS, applicationName: 'maint/test' };
}
