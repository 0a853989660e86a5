/**
 * `maint backup` beside pgBackRest, borgmatic and plain pg_dump, on the same database, and what each one's own
 * verification says to one flipped bit. A peer that is not installed is left out. Run it as `node bench/peers.ts
 * [scale=1] [rounds=1]`; the built program must be there.
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { whichProgram } from '../src/adapters/programs.ts';
import { markdown, MB, measure, measureSuccess, median, sizeOf, type Measure } from './measure.ts';
import { openMixedCluster, type MixedCluster } from './mixed-cluster.ts';
import { largestFile, peersFor, type Peer, type Place } from './peer-list.ts';

const HEAD = [
  '',
  'wall s',
  'CPU s, servers too',
  'stored MB',
  'peak MB (PSS, tree)',
  'CPU s of others',
  'its verification',
  'exit code: good backup',
  'exit code: one bit flipped',
  'verification s',
];

const [scale = 1, rounds = 1] = process.argv.slice(2, 4).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'maint-peers-'));
chmodSync(folder, 0o711);
try {
  // Archiving is on, as pgBackRest wants it, and does nothing while the database is filled.
  await using mixed = await openMixedCluster(scale, { archive_mode: 'on', archive_command: `'/bin/true'` });
  console.log(
    `PostgreSQL ${mixed.programs.major}, database ${(mixed.databaseBytes / MB).toFixed(0)} MB on disk, rounds: ${rounds}\n`,
  );
  const place: Place = { folder, mixed, account: makeHome(mixed) };
  const rows: (readonly string[])[] = [];
  for (const peer of peersFor(place)) {
    if ((await whichProgram(peer.program, process.env['PATH'])) === undefined) {
      console.log(`${peer.program} is not installed: left out`);
      continue;
    }
    rows.push(await tryOut(peer, mixed));
  }
  console.log(`\n${markdown([HEAD, ...rows])}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** pgBackRest has to be the owner of the cluster. */
function makeHome({ cluster }: MixedCluster): { readonly uid: number; readonly gid: number } {
  const { uid, gid } = statSync(cluster.directory);
  const home = join(folder, 'owner');
  mkdirSync(home);
  chownSync(home, uid, gid);
  return { uid, gid };
}

async function tryOut(peer: Peer, mixed: MixedCluster): Promise<readonly string[]> {
  const measures: Measure[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    rmSync(peer.repository, { recursive: true, force: true });
    for (const command of await peer.prepare(query(mixed))) await measureSuccess(command);
    measures.push(await measureSuccess(peer.backup));
    console.log(`${peer.name}, round ${round}: ${measures.at(-1)?.wallSeconds.toFixed(1)} s`);
  }
  const storedBytes = sizeOf(peer.repository);
  const good = await measure(peer.verify);
  flipBit(largestFile(peer.repository));
  const bad = await measure(peer.verify);
  rmSync(peer.repository, { recursive: true, force: true });
  const middle = median(measures);
  return [
    peer.name,
    middle.wallSeconds.toFixed(1),
    middle.cpuSeconds.toFixed(1),
    (storedBytes / MB).toFixed(0),
    (Math.max(...measures.map(({ treeBytes }) => treeBytes)) / MB).toFixed(0),
    middle.foreignCpuSeconds.toFixed(1),
    `\`${peer.verifiedBy}\``,
    String(good.exitCode),
    String(bad.exitCode),
    good.wallSeconds.toFixed(1),
  ];
}

function query({ cluster }: MixedCluster): (sql: string) => Promise<void> {
  return async (sql) => {
    const client = new Client({ host: cluster.socketDirectory, port: cluster.port, user: 'postgres' });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
}

/** The bit in the middle of a file, as a disk or a memory module may turn it. */
function flipBit(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
