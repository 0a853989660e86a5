import { setTimeout } from 'node:timers/promises';
import { Client } from 'pg';
import { parseConnection } from '../../src/adapters/connection.ts';
import { Secret } from '../../src/base/secret.ts';

/** A session of an application beside maint. */
export interface AppSession extends AsyncDisposable {
  readonly pid: number;
  query(text: string): Promise<unknown>;
}

/** Opens a session that stays open until it is disposed; being terminated does not disturb it. */
export async function openApp(url: string, applicationName: string): Promise<AppSession> {
  const { host, port, database, user } = parseConnection(new Secret(url));
  const client = new Client({ host, port, database, user, application_name: applicationName });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return {
    pid: rows[0]?.pid ?? 0,
    query: (text) => client.query(text),
    [Symbol.asyncDispose]: async () => client.end(),
  };
}

/** Asks again and again until the answer is yes. @throws Error after half a minute */
export async function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await setTimeout(10);
  }
}
