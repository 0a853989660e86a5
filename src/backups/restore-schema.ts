import type { ClientProgram, ClientPrograms } from '../adapters/client-programs.ts';
import { runProgram } from '../adapters/programs.ts';
import { plural } from '../base/units.ts';
import type { RestoreFinding } from './restore-checks.ts';
import { diffSchemas, parseSchema, type SchemaDifference } from './schema-diff.ts';

/** A restored database and the archive that it came from. */
export interface SchemaRequest {
  readonly pgRestore: ClientProgram;
  /** Of the same version as the one that made the archive: others write the same thing in other words. */
  readonly pgDump: ClientProgram;
  /** A file with the head of the archive. */
  readonly headPath: string;
  /** The libpq environment of the restored database. */
  readonly environment: ClientPrograms['environment'];
  /** Extensions that were left out on purpose. */
  readonly skipped: readonly string[];
}

const TIMEOUT_MS = 30 * 60_000;
const SHOWN = 5;
/** What a restored copy does without, on both sides. */
const FLAGS = ['--schema-only', '--no-tablespaces', '--no-subscriptions', '--no-publications'];

/**
 * Dumps the definitions of a restored database and holds them against those of the archive.
 * @returns one finding that names the first few that differ; none where all are the same
 * @throws MaintError when the programs could not do it
 */
export async function checkSchema(request: SchemaRequest, signal: AbortSignal): Promise<readonly RestoreFinding[]> {
  const { pgRestore, pgDump, headPath, environment } = request;
  const common = { timeoutMs: TIMEOUT_MS, signal };
  const expected = await runProgram({ ...common, file: pgRestore.path, args: [...FLAGS, '--file=-', headPath] });
  const found = await runProgram({
    ...common,
    file: pgDump.path,
    args: [...FLAGS, '--no-password'],
    env: environment,
  });
  const differences = diffSchemas(parseSchema(expected.stdout), parseSchema(found.stdout)).filter(
    ({ what }) => !request.skipped.some((name) => what.includes(name)),
  );
  return differences.length === 0 ? [] : [{ detail: 'restore.schema_mismatch', message: describe(differences) }];
}

function describe(differences: readonly SchemaDifference[]): string {
  const shown = differences.slice(0, SHOWN).map(({ what, how }) => `${what} is ${how}`);
  const more = differences.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${plural(more, 'more definition')}`] : [])].join('; ');
}
