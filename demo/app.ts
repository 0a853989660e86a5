import { createServer } from 'node:http';
import { Client } from 'pg';
import type { Cluster } from '../src/adapters/cluster.ts';
import { APP_SQL } from './app-sql.ts';
import { HOTMESH_SQL } from './hotmesh-sql.ts';

/** The name of the app, of its database, and of the project in reports. */
export const APP = 'pigeon';

/** The app's own web server. */
export interface App extends AsyncDisposable {
  /** Answers 200 while the app can read its database, else 500. */
  readonly healthUrl: string;
}

/** Makes the app's database and fills it. */
export async function fillDatabase(cluster: Cluster, signal: AbortSignal): Promise<void> {
  await withDatabase(cluster, 'postgres', (client) => client.query(`CREATE DATABASE ${APP}`));
  await withDatabase(cluster, APP, async (client) => {
    for (const statement of [...APP_SQL, ...HOTMESH_SQL, 'ANALYZE']) {
      signal.throwIfAborted();
      await client.query(statement);
    }
  });
}

/** Starts the app on a free port of this machine. */
export async function startApp(cluster: Cluster): Promise<App> {
  const server = createServer((_, response) => {
    countMessages(cluster).then(
      (count) => response.writeHead(200).end(`ok, ${count} messages\n`),
      () => response.writeHead(500).end('the database does not answer\n'),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    healthUrl: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/health`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function countMessages(cluster: Cluster): Promise<number> {
  return withDatabase(cluster, APP, async (client) => {
    const { rows } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM messages');
    return rows[0]?.count ?? 0;
  });
}

async function withDatabase<T>(cluster: Cluster, database: string, work: (client: Client) => Promise<T>): Promise<T> {
  const { socketDirectory: host, port, superuser: user } = cluster;
  const client = new Client({ host, port, user, database, connectionTimeoutMillis: 5_000, application_name: APP });
  // A connection that breaks off fails its query; without a listener it would end this process as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
