import type { Reader } from '../../adapters/postgres.ts';
import { readRights } from '../../backups/rights.ts';
import { plural } from '../../base/units.ts';
import { verdictsOf, type Check } from './check.ts';

const { ok, fail } = verdictsOf('rights');

/** May the role read all that a dump must contain? Every missing right is named, with the statement that gives it. */
export async function checkRights(database: Reader): Promise<readonly Check[]> {
  const { role, tables, sequences, missing } = await readRights(database);
  if (missing.length > 0) return missing.map(({ kind, summary, statements }) => fail(kind, summary, statements));
  return [ok('reading', `${role} may read all ${plural(tables, 'table')} and ${plural(sequences, 'sequence')}`)];
}
