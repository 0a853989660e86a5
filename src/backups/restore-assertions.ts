import type { Database } from '../adapters/postgres.ts';
import { MaintError, type ErrorCode } from '../base/errors.ts';
import type { RestoreFinding } from './restore-checks.ts';

/** A question to a restored database that its owner knows the answer to. */
export interface Assertion {
  readonly name: string;
  /** One statement whose answer is one value. */
  readonly sql: string;
  /** The value, as text, number or truth. */
  readonly expect?: string | number | boolean | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** Asks every question; each that is not answered as expected is a finding, the statement that fails too. */
export async function checkAssertions(
  database: Database,
  assertions: readonly Assertion[],
): Promise<readonly RestoreFinding[]> {
  const findings: RestoreFinding[] = [];
  for (const assertion of assertions) {
    const wrong = await ask(database, assertion);
    if (wrong === undefined) continue;
    findings.push({ detail: 'restore.assertion_failed', message: `assertion "${assertion.name}": ${wrong}` });
  }
  return findings;
}

/** The statement itself is at fault, not the way to the server. */
const WRONG: ReadonlySet<ErrorCode> = new Set(['STATEMENT_FAILED', 'READ_ONLY']);

/** @returns what is wrong with the answer */
async function ask(database: Database, { sql, expect, min, max }: Assertion): Promise<string | undefined> {
  try {
    const [row] = await database.rows<Record<string, unknown>>({ text: sql, values: [] });
    if (row === undefined) return 'it has no answer: no row came back';
    const [value] = Object.values(row);
    const shown = value instanceof Date ? value.toISOString() : String(value);
    if (expect !== undefined && shown !== String(expect)) return `${shown}, expected ${expect}`;
    if (min !== undefined && !(toNumber(value) >= min)) return `${shown}, expected at least ${min}`;
    if (max !== undefined && !(toNumber(value) <= max)) return `${shown}, expected at most ${max}`;
    return undefined;
  } catch (error) {
    if (!(error instanceof MaintError) || !WRONG.has(error.code)) throw error;
    return error.cause instanceof Error ? error.cause.message : error.message;
  }
}

/** NULL is no number, and neither more nor less than any. */
function toNumber(value: unknown): number {
  return value === null ? Number.NaN : Number(value);
}
