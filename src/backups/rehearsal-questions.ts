import { join } from 'node:path';
import { libpqEnvironment } from '../adapters/connection.ts';
import { isFile } from '../adapters/directories.ts';
import { amcheck } from './restore-amcheck.ts';
import { checkAssertions } from './restore-assertions.ts';
import { checkRestored, type RestoreFinding } from './restore-checks.ts';
import type { Filled } from './restore-fill.ts';
import type { RestoreNeeds } from './restore-needs.ts';
import type { Rehearsal, RehearsalRequest } from './restore-rehearsal.ts';
import { checkSchema } from './restore-schema.ts';
import { smoke } from './restore-smoke.ts';
import { openHost, type Host } from './rehearsal-host.ts';

/** A database that was filled from a backup, and what is asked of it. */
interface Restored extends RehearsalRequest {
  readonly host: Host;
  readonly needs: RestoreNeeds;
  readonly filled: Filled;
  /** Undefined where only pg_restore can read the head of the archive. */
  readonly headPath: string | undefined;
}

/** Asks a restored database everything. One that was not filled to its end has no answers worth having. */
export async function askAll(
  restored: Restored,
  signal: AbortSignal,
): Promise<Pick<Rehearsal, 'findings' | 'isAmchecked' | 'isSchemaCompared'>> {
  const { host, filled, smokeTest } = restored;
  if (filled.findings.some(({ detail }) => detail === 'restore.load_failed'))
    return { findings: [], isAmchecked: false, isSchemaCompared: false };
  const program = host.binDirectory === undefined ? undefined : join(host.binDirectory, 'pg_amcheck');
  const isAmchecked =
    restored.withAmcheck && host.hasAmcheck && program !== undefined && isFile(program) && filled.findings.length === 0;
  const schema = await compareSchema(restored, signal);
  return {
    findings: [
      ...(await question(restored, signal)),
      ...(schema ?? []),
      ...(isAmchecked ? await amcheck(program, libpqEnvironment(host.connection), signal) : []),
      // Last, for it may change what it likes.
      ...(smokeTest === undefined ? [] : await smoke({ ...smokeTest, connection: host.connection }, signal)),
    ],
    isAmchecked,
    isSchemaCompared: schema !== undefined,
  };
}

async function question(
  { host, needs, manifest, assertions }: Restored,
  signal: AbortSignal,
): Promise<readonly RestoreFinding[]> {
  await using session = openHost(host.connection, 'read-only');
  const database = session.within(signal);
  const { tables } = manifest;
  return [
    ...(await checkRestored(database, { tables, sequences: needs.sequences, isPart: false })),
    ...(await checkAssertions(database, assertions)),
  ];
}

/** @returns undefined where it cannot be told */
async function compareSchema(
  { clients, host, manifest, headPath, skippedExtensions }: Restored,
  signal: AbortSignal,
): Promise<readonly RestoreFinding[] | undefined> {
  const { pgDump: version, pgDumpMajor } = manifest.tools;
  const pgDump = await clients.find('pg_dump', pgDumpMajor);
  if (headPath === undefined || pgDump.version !== version || host.major > pgDump.major) return undefined;
  const pgRestore = await clients.find('pg_restore', pgDumpMajor);
  const environment = libpqEnvironment(host.connection);
  return checkSchema({ pgRestore, pgDump, headPath, environment, skipped: skippedExtensions }, signal);
}
