import { join } from 'node:path';
import { makeKeyPair } from '../../adapters/age-keys.ts';
import type { ClientProgram, ClientPrograms } from '../../adapters/client-programs.ts';
import type { Cluster } from '../../adapters/cluster.ts';
import { parseConnection, type Connection } from '../../adapters/connection.ts';
import { openSession } from '../../adapters/postgres.ts';
import { findServerPrograms } from '../../adapters/server-programs.ts';
import { sql, type Statement } from '../../adapters/sql.ts';
import { backupFolder } from '../../backups/layout.ts';
import { listBackups, localStore, type BackupEntry } from '../../backups/repository.ts';
import { openSandbox, type Scratch } from '../../backups/sandbox.ts';
import { MaintError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import type { World } from '../../base/world.ts';
import type { Subject, Workshop } from './files.ts';
import { tryTask, type Trial } from './trial.ts';

/** A throw-away server with a small database in it. Disposing removes it. */
export interface Bench extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly pgDump: ClientProgram;
  readonly database: Connection;
}

/** What backups of the bench are called. */
export const LABEL = 'selftest';
const DATABASE = 'postgres';
const LIMITS = { connectTimeoutMs: 10_000, statementTimeoutMs: 60_000, lockTimeoutMs: 5_000 };

/**
 * Starts a server of its own, of a version that a pg_dump of this host can read, and fills it.
 * @throws MaintError PROGRAM_MISSING where this host has no such programs
 */
export async function openBench(scratch: Scratch, clients: ClientPrograms, world: World): Promise<Bench> {
  const { binDirectory, pgDump } = await programsFor(clients, world);
  const cluster = await openSandbox(scratch, binDirectory);
  const bench = {
    cluster,
    pgDump,
    database: parseConnection(new Secret(cluster.url(DATABASE))),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
  try {
    await change(bench, FILL);
    return bench;
  } catch (error) {
    await bench[Symbol.asyncDispose]();
    throw error;
  }
}

interface Found {
  readonly binDirectory: string;
  readonly pgDump: ClientProgram;
}

async function programsFor(clients: ClientPrograms, world: World): Promise<Found> {
  const found = await findServerPrograms(world.env['PATH']);
  for (const { binDirectory, major } of found) {
    const pgDump = await clients.find('pg_dump', major).catch(missing);
    if (pgDump !== undefined) return { binDirectory, pgDump };
  }
  throw new MaintError('PROGRAM_MISSING', 'no server programs of PostgreSQL (initdb) that a pg_dump here can read');
}

function missing(error: unknown): undefined {
  if (!(error instanceof MaintError)) throw error;
}

/** Changes the database of the bench, one statement after the other. */
export async function change(
  { database }: Pick<Bench, 'database'>,
  statements: readonly Statement<never>[],
): Promise<void> {
  const request = {
    connection: database,
    mode: 'read-write' as const,
    limits: LIMITS,
    applicationName: 'maint/selftest',
  };
  await using session = openSession(request);
  for (const statement of statements) await session.run(statement);
}

/** Rows to lose, text that does not compress, names that need quotes, and a role that may read it all. */
const FILL: readonly Statement<never>[] = [
  sql`CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL)`,
  sql`INSERT INTO users (name) SELECT 'user ' || n FROM generate_series(1, 1000) AS n`,
  sql`CREATE TABLE "Odd ""Orders""" (id int REFERENCES users, note text)`,
  sql`INSERT INTO "Odd ""Orders""" SELECT n, E'a tab\t, a break\n and \\.' FROM generate_series(1, 300) AS n`,
  sql`CREATE TABLE noise AS SELECT md5(random()::text) AS a, md5(random()::text) AS b FROM generate_series(1, 20000)`,
  sql`CREATE ROLE reader LOGIN`,
  sql`GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader`,
  sql`GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO reader`,
];

const EMPTY: readonly Statement<never>[] = [sql`TRUNCATE users, "Odd ""Orders""", noise`];

/** The backups that copies are made of: one as it is, one encrypted to a key that lives only here. */
export async function takeSubjects(bench: Bench, workshop: Workshop): Promise<readonly Subject[]> {
  const { identity, recipient } = await makeKeyPair();
  const kinds = [
    { name: 'plain', identity: undefined, recipients: [] },
    { name: 'encrypted', identity, recipients: [recipient] },
  ];
  const subjects: Omit<Subject, 'empty'>[] = [];
  for (const { name, recipients, identity: key } of kinds) {
    const directory = join(workshop.folder, name);
    const { manifest } = await take(bench, { directory, recipients }, workshop);
    if (manifest === undefined) throw new Error('a backup that was just taken has no manifest');
    subjects.push({ name, directory, label: LABEL, manifest, identity: key });
  }
  return subjects.map((subject) => ({ ...subject, empty: undefined }));
}

/** Empties the database, and takes a backup like each of these again. */
export async function addEmpty(
  bench: Bench,
  subjects: readonly Subject[],
  workshop: Workshop,
): Promise<readonly Subject[]> {
  await change(bench, EMPTY);
  const whole: Subject[] = [];
  for (const subject of subjects) {
    const directory = join(workshop.folder, `${subject.name}-empty`);
    const recipients = subject.manifest.encryption?.recipients ?? [];
    const { id } = await take(bench, { directory, recipients }, workshop);
    whole.push({ ...subject, empty: backupFolder(directory, LABEL, id) });
  }
  return whole;
}

async function take(
  { database }: Bench,
  place: Pick<Trial, 'directory' | 'recipients'>,
  { world, signal, programs }: Workshop,
): Promise<BackupEntry> {
  const steps = await tryTask(
    { task: 'backup', settings: {}, label: LABEL, connection: database, programs, ...place },
    world,
    signal,
  );
  const [entry] = await listBackups(localStore(place.directory), LABEL, signal);
  if (entry?.isVerified === true) return entry;
  const said = steps.map(({ summary }) => summary).join('; ');
  throw new MaintError('PROGRAM_FAILED', `no backup of the throw-away server could be taken: ${said}`);
}
