import type { Reader } from '../adapters/postgres.ts';
import type { Statement } from '../adapters/sql.ts';
import type { Prepared } from './prepare.ts';

/** How the server would go about the first batch of a rule, line by line; PostgreSQL runs nothing for it. */
export async function explained(database: Reader, { found }: Prepared): Promise<readonly string[]> {
  const [first] = found?.firstBatch ?? [];
  if (first === undefined) return [];
  const question: Statement<{ 'QUERY PLAN': string }> = { text: `EXPLAIN ${first.text}`, values: first.values };
  const lines = await database.rows(question);
  return lines.map((line) => line['QUERY PLAN']);
}
