/** A process that prunes and can be killed while it does. Arguments: URL of the database, settings as JSON. */
import { parseConnection } from '../../src/adapters/connection.ts';
import { openSession } from '../../src/adapters/postgres.ts';
import { Secret } from '../../src/base/secret.ts';
import { prune } from '../../src/tasks/prune.ts';
import { runTask } from './run-task.ts';

const [, , url = '', settings = '{}'] = process.argv;

await using session = openSession({
  connection: parseConnection(new Secret(url)),
  mode: 'read-write',
  limits: { connectTimeoutMs: 10_000, statementTimeoutMs: 30_000, lockTimeoutMs: 5_000 },
  applicationName: 'maint/prune',
});
const outcomes = await runTask(prune, JSON.parse(settings), {
  database: session,
  onProgress: () => process.stdout.write('.'),
});
console.log(JSON.stringify(outcomes));
