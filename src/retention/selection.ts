import type { Reader } from '../adapters/postgres.ts';
import { condition, fragment, ident, sql, type Fragment } from '../adapters/sql.ts';
import { keyOf, missingWord, type AgeColumn, type InstantForms } from './cutoff.ts';
import { judged, type Refusal } from './refusal.ts';
import type { Target } from './target.ts';

/** Which archived rows are meant, as a person types it. */
export interface Wanted {
  /** A time as PostgreSQL reads it: rows from it on. */
  readonly since?: string | undefined;
  /** A time as PostgreSQL reads it: rows before it. */
  readonly until?: string | undefined;
  /** An SQL condition on the columns of the rows. */
  readonly where?: string | undefined;
}

/** What a person typed, about a column of a table. */
export interface SelectionQuestion {
  readonly wanted: Wanted;
  readonly rule: AgeColumn;
  readonly target: Target;
  /** IANA name: where a day begins when the rule does not say. */
  readonly timezone: string;
}

/** Which rows are meant. */
export interface Selection {
  /** Everything but the later end. */
  readonly where: Fragment;
  /** The later end, as a value of the age column. */
  readonly before: string | undefined;
}

/** Reads what a person typed. @returns a refusal where PostgreSQL cannot make sense of it */
export async function readSelection(database: Reader, question: SelectionQuestion): Promise<Selection | Refusal> {
  const { wanted, rule, target } = question;
  const before = wanted.until === undefined ? undefined : await boundOf(database, wanted.until, question);
  if (typeof before === 'object') return before;
  const parts = [fragment`true`];
  if (wanted.since !== undefined) {
    const from = await boundOf(database, wanted.since, question);
    if (typeof from !== 'string') return from;
    parts.push(fragment`${ident(rule.age)} >= ${from}::${target.ageCast}`);
  }
  const written = condition(wanted.where ?? 'true');
  if (written === undefined) return badWhere('it is more than one expression, or its brackets and quotes do not match');
  const tried = await judged(
    () => database.rows(sql<object>`SELECT FROM ONLY ${target.table} WHERE ${written} LIMIT 0`),
    badWhere,
  );
  if ('refusal' in tried) return tried.refusal;
  parts.push(written);
  return { where: parts.reduce((all, next) => fragment`${all} AND ${next}`), before };
}

/** A time as a value of the age column; `now` is one too. */
export async function boundOf(
  database: Reader,
  text: string,
  { rule, target, timezone }: Omit<SelectionQuestion, 'wanted'>,
): Promise<string | Refusal> {
  const missing = missingWord(rule, target.ageType);
  if (missing !== undefined) return missing;
  const answer = await judged(
    () => database.rows(instantIn(text, rule.timezone ?? timezone)),
    (said): Refusal => ({
      detail: 'prune.selection',
      reason: `${text} is no time: ${said}`,
      remediation: ['Write a time as PostgreSQL reads it, such as 2026-03-01 or "2026-03-01 14:00".'],
    }),
  );
  if ('refusal' in answer) return answer.refusal;
  const [row] = answer.value;
  return row === undefined ? text : keyOf(row, target.ageType, rule);
}

function badWhere(said: string): Refusal {
  return {
    detail: 'prune.selection',
    reason: `--where is not usable: ${said}`,
    remediation: ["Write one boolean expression, such as --where 'customer_id = 42'."],
  };
}

const instantIn = (text: string, zone: string) => sql<InstantForms>`
  WITH told AS (SELECT set_config('timezone', ${zone}, true) AS zone),
       given AS (SELECT ${text}::timestamptz AS instant, ${text}::timestamptz AT TIME ZONE zone AS local FROM told)
  SELECT to_json(instant) #>> '{}' AS at, to_json(local) #>> '{}' AS local, to_json(local::date) #>> '{}' AS day,
         floor(extract(epoch FROM instant))::int8::text AS epoch,
         floor(extract(epoch FROM instant) * 1000)::int8::text AS "epochMs"
    FROM given`;
