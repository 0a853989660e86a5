import { join } from 'node:path';
import { listFolder, makeFolder } from '../../adapters/files.ts';
import { runProgram } from '../../adapters/programs.ts';
import { copyFolder, readBytes, writeBytes, writeScript } from '../../adapters/scratch.ts';
import { sql } from '../../adapters/sql.ts';
import { kindOfFolder, labelFolder } from '../../backups/layout.ts';
import { MaintError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { LABEL, change, type Bench } from './bench.ts';
import type { Subject, Workshop } from './files.ts';
import { expectAlarm, skipped, type FaultResult } from './result.ts';
import { alarmsOf, tryTask, type Trial } from './trial.ts';

/** A server with a good backup, and a place to work in. */
interface Shop extends Workshop {
  readonly bench: Bench;
  readonly subject: Subject;
}

/** One way in which taking a backup can go wrong. */
interface ServerFault {
  readonly name: string;
  readonly expected: string;
  /** @returns the names that were raised */
  readonly provoke: (shop: Shop) => Promise<readonly string[]>;
}

/** In this order: each leaves the server as the next one needs it. */
const SERVER_FAULTS: readonly ServerFault[] = [
  {
    name: 'the role may not read a table',
    expected: 'preflight.rights',
    provoke: async (shop) => {
      await change(shop.bench, [sql`REVOKE SELECT ON users FROM reader`]);
      const said = await takeAs(shop, 'reader');
      await change(shop.bench, [sql`GRANT SELECT ON users TO reader`]);
      return said;
    },
  },
  {
    name: 'row-level security hides rows from the role',
    expected: 'preflight.rights',
    provoke: async (shop) => {
      await change(shop.bench, [sql`ALTER TABLE users ENABLE ROW LEVEL SECURITY`]);
      const said = await takeAs(shop, 'reader');
      await change(shop.bench, [sql`ALTER TABLE users DISABLE ROW LEVEL SECURITY`]);
      return said;
    },
  },
  {
    name: 'the database does not exist',
    expected: 'DATABASE_NOT_FOUND',
    provoke: (shop) => takeIn(shop, 'no-database', { connection: { ...shop.bench.database, database: 'nowhere' } }),
  },
  {
    name: 'pg_dump is killed in the middle',
    expected: 'stage_failed.pg_dump',
    provoke: (shop) => {
      const real = `'${shop.bench.pgDump.path}' "$@"`;
      const script = `[ "$1" = --version ] && exec ${real}\n${real} | head -c 50000\nkill -9 $$`;
      return takeWith(shop, 'pg_dump', script);
    },
  },
  {
    name: 'zstd is killed in the middle',
    expected: 'stage_failed.zstd',
    provoke: (shop) => takeWith(shop, 'zstd', 'head -c 50000 > /dev/null\nkill -9 $$'),
  },
  { name: 'the disk is full', expected: 'NO_SPACE', provoke: takeOnFullDisk },
  {
    name: 'a receipt was edited, and something would expire',
    expected: 'expiry.receipts_broken',
    provoke: takeAfterEdit,
  },
  {
    name: 'a table has lost most of its rows',
    expected: 'anomaly.rows',
    provoke: async (shop) => {
      await change(shop.bench, [sql`DELETE FROM "Odd ""Orders""" WHERE id > 50`]);
      return takeIn(shop, 'loss', { before: shop.subject.directory });
    },
  },
  {
    name: 'the server is down',
    expected: 'DATABASE_UNREACHABLE',
    provoke: async (shop) => {
      await shop.bench.cluster.stop();
      const said = await takeIn(shop, 'down', {});
      await shop.bench.cluster.start();
      return said;
    },
  },
];

/** Makes backups fail in each way there is, and expects the alarm; none of them may leave a backup behind. */
export async function breakBackups(shop: Shop): Promise<readonly FaultResult[]> {
  const results: FaultResult[] = [];
  for (const { name, expected, provoke } of SERVER_FAULTS) {
    shop.signal.throwIfAborted();
    const result = await expectAlarm({ fault: `server: ${name}`, expected }, () => provoke(shop));
    shop.onResult(result);
    results.push(result);
  }
  return results;
}

/** What all of them come to on a host that cannot start a server. */
export function withoutServer(why: string): readonly FaultResult[] {
  return SERVER_FAULTS.map(({ name, expected }) => skipped({ fault: `server: ${name}`, expected }, why));
}

interface Taking extends Partial<Pick<Trial, 'connection' | 'programs' | 'settings'>> {
  /** A directory of backups to begin with; an empty one where left out. */
  readonly before?: string;
}

/** Takes a backup in a directory of its own. Where there was none before, there must be none afterwards. */
async function takeIn(shop: Shop, name: string, { before, ...how }: Taking): Promise<readonly string[]> {
  const { bench, folder, programs, world, signal } = shop;
  const directory = join(folder, `server-${name}`);
  if (before !== undefined) await copyFolder(before, directory);
  const trial = {
    task: 'backup' as const,
    settings: {},
    directory,
    label: LABEL,
    programs,
    connection: bench.database,
  };
  const said = alarmsOf(await tryTask({ ...trial, ...how }, world, signal));
  const left = before === undefined ? await visible(directory) : [];
  return left.length === 0 ? said : ['a backup was left behind'];
}

async function visible(directory: string): Promise<readonly string[]> {
  const entries = (await listFolder(labelFolder(directory, LABEL))) ?? [];
  return entries.filter(({ name }) => kindOfFolder(name) === 'backup').map(({ name }) => name);
}

async function takeAs(shop: Shop, user: string): Promise<readonly string[]> {
  return takeIn(shop, 'rights', { connection: { ...shop.bench.database, user } });
}

/** Takes a backup with one program replaced by a script. */
async function takeWith(shop: Shop, program: string, script: string): Promise<readonly string[]> {
  const directory = join(shop.folder, `killed-${program}`);
  await makeFolder(directory);
  await writeScript(join(directory, program), script);
  return takeIn(shop, program, { programs: [directory, ...shop.programs] });
}

const FULL_DISK_TIMEOUT_MS = 60_000;

/**
 * Takes a backup on a disk of half a megabyte. It is seen by that one process and its children alone, and goes with them,
 * so nothing has to be unmounted whatever happens.
 * @throws MaintError PROGRAM_MISSING, PROGRAM_FAILED where this host lets nobody make such a disk
 */
async function takeOnFullDisk({ bench, folder, world, signal, programs }: Shop): Promise<readonly string[]> {
  const directory = join(folder, 'server-full');
  await makeFolder(directory);
  const config = join(folder, 'full.json');
  await writeBytes(config, Buffer.from(JSON.stringify({ name: LABEL, programs: { directories: programs } })));
  const { nodePath, scriptPath, uid } = world.process;
  const command = [nodePath, scriptPath, 'backup', '--json', '--directory', directory, '--config', config];
  const script = 'mount -t tmpfs -o size=512k,mode=0700 tmpfs "$1" || exit 97\nshift\n"$@" || true';
  const own = uid === 0 ? [] : ['--user', '--map-root-user'];
  const { stdout } = await runProgram({
    file: 'unshare',
    args: [...own, '--mount', 'sh', '-c', script, 'sh', directory, ...command, '--state', join(folder, 'full-state')],
    env: { DATABASE_URL: new Secret(bench.cluster.url(bench.database.database)) },
    timeoutMs: FULL_DISK_TIMEOUT_MS,
    signal,
  });
  return [...stdout.matchAll(/"(?:code|detail)":\s*"([^"]+)"/g)].flatMap(([, name]) => name ?? []);
}

/** The chain of receipts is broken, so nobody knows any more what was pinned. */
async function takeAfterEdit(shop: Shop): Promise<readonly string[]> {
  const { subject, folder, programs, world, signal } = shop;
  const before = join(folder, 'receipts');
  await copyFolder(subject.directory, before);
  const verification = { task: 'verify-backup' as const, settings: {}, directory: before, label: LABEL, programs };
  for (let count = 0; count < 2; count += 1) await tryTask(verification, world, signal);
  const receipt = join(before, 'receipts', LABEL, '000001.json');
  const edited = (await readBytes(receipt)).toString().replace('"pass"', '"fail"');
  if (!edited.includes('"fail"')) throw new MaintError('FILE_UNUSABLE', `${receipt} is no receipt of a good backup`);
  await writeBytes(receipt, Buffer.from(edited));
  return takeIn(shop, 'receipts', { before, settings: { keep: { last: 1, minVerified: 1 } } });
}
