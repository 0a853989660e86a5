/** One run of the backup task, in a process of its own, so that its memory and CPU can be told from the bench's. */
import { makeKeyPair } from '../src/adapters/age-keys.ts';
import { clientPrograms } from '../src/adapters/client-programs.ts';
import { libpqEnvironment, parseConnection } from '../src/adapters/connection.ts';
import { openSession } from '../src/adapters/postgres.ts';
import { Secret } from '../src/base/secret.ts';
import type { Log } from '../src/base/log.ts';
import { backup } from '../src/tasks/backup.ts';

const [url = '', directory = '', level = '3', project = 'bench', keys = '0'] = process.argv.slice(2);
const connection = parseConnection(new Secret(url));
const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => log };
await using session = openSession({
  connection,
  mode: 'read-write',
  limits: { connectTimeoutMs: 10_000, statementTimeoutMs: 60_000, lockTimeoutMs: 5_000 },
  applicationName: 'maint/bench',
});
const around = {
  log,
  signal: new AbortController().signal,
  now: () => new Date(),
  clients: clientPrograms([], process.env['PATH'], libpqEnvironment(connection)),
  history: { samples: () => [] },
  project,
  backups: { directory, copies: [], recipients: await recipients(Number(keys)), identity: undefined, fileSets: [] },
  timezone: 'UTC',
  database: session,
};
const settings = backup.settings.parse({ directory, compressionLevel: Number(level) });
for (const step of await backup.plan({ ...around, settings })) {
  const { status, summary } = await step.perform({ ...around, progress: ignore });
  if (status === 'fail') throw new Error(summary);
}

/** Makes public keys to encrypt to; none leaves the backup as it is. */
async function recipients(count: number): Promise<readonly string[]> {
  const pairs = await Promise.all(Array.from({ length: count }, makeKeyPair));
  return pairs.map(({ recipient }) => recipient);
}

function ignore(): void {}
