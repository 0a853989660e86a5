/** One file set of a backup, in a process of its own, so that its memory and CPU can be told from the bench's. */
import { mkdirSync } from 'node:fs';
import { parseConnection } from '../src/adapters/connection.ts';
import { openSession } from '../src/adapters/postgres.ts';
import { writeFileSet } from '../src/backups/file-set.ts';
import { makeSealing } from '../src/backups/sealing.ts';
import { Secret } from '../src/base/secret.ts';

const [directory = '', folder = '', level = '1', zstd] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
// It is never connected to: no rows point to the files.
await using database = openSession({
  connection: parseConnection(new Secret('postgres://nobody@localhost/none')),
  mode: 'read-only',
  limits: { connectTimeoutMs: 1_000, statementTimeoutMs: 1_000, lockTimeoutMs: 1_000 },
  applicationName: 'maint/bench',
});
const { report } = await writeFileSet(
  { folder, sealing: await makeSealing([]), zstd, level: Number(level), onWritten: () => {} },
  { set: { name: 'bench', directory, references: undefined }, references: undefined, without: folder, database },
  new AbortController().signal,
);
if (report.fault !== null) throw new Error(report.fault);
console.log(`${report.files} files, ${report.bytes} bytes, ${report.seconds.toFixed(2)} s`);
