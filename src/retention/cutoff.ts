import type { Reader } from '../adapters/postgres.ts';
import { sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { formatDuration } from '../base/units.ts';
import { judged, type Refusal } from './refusal.ts';
import type { Rule } from './settings.ts';
import type { AgeType } from './target.ts';

/** The instant from which all rules of a run count back, from the clock of the database. */
export interface Instant {
  /** As PostgreSQL writes it in JSON, with its microseconds. */
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly ms: number;
}

/** Which rows are old: those whose age column is below the key. */
export interface Cutoff {
  /** ISO instant, for people. */
  readonly at: string;
  /** The same as a value of the age column. */
  readonly key: string;
}

/** How far two clocks may be apart before nobody can say how old a row is. */
const MAX_SKEW_MS = 60_000;

/** Asks the database what time it is. */
export async function databaseNow(database: Reader): Promise<Instant> {
  const [row] = await database.rows(NOW);
  if (row === undefined) throw new MaintError('STATEMENT_FAILED', 'the server did not tell the time');
  return row;
}

/** @returns a refusal where the clocks of this host and of the database do not agree */
export function clockRefusal({ ms }: Instant, now: Date): Refusal | undefined {
  const skewMs = Math.abs(ms - now.getTime());
  if (skewMs <= MAX_SKEW_MS) return undefined;
  return {
    detail: 'prune.clock',
    reason: `the clocks of this host and of the database are ${formatDuration(skewMs)} apart`,
    remediation: ['timedatectl status # on both hosts: set the wrong clock right'],
  };
}

/** @returns a refusal where rows would go that are younger than any row should */
export function youthRefusal({ at }: Cutoff, { from, floorMs }: Youth, name: string): readonly Refusal[] {
  const ageMs = from.ms - Date.parse(at);
  if (ageMs >= floorMs) return [];
  return [
    {
      detail: 'prune.young',
      reason: `the rule ${name} would take rows that are only ${formatDuration(ageMs)} old, and none younger than ${formatDuration(floorMs)} may go`,
      remediation: ['Correct `olderThan` of the rule, or set `floor` of prune lower where this is meant.'],
    },
  ];
}

/** When a rule counts back from, and how old every row has to be at least, in milliseconds. */
interface Youth {
  readonly from: Instant;
  readonly floorMs: number;
}

/** What of a rule says when its rows are old. */
/** How the age column of a rule is read. */
export type AgeColumn = Pick<Rule, 'name' | 'table' | 'age' | 'timezone' | 'unit'>;

interface AgeRule extends AgeColumn {
  readonly olderThan: string;
}

/** When rows of a rule are old, asked at an instant. */
export interface AgeQuestion {
  readonly rule: AgeRule;
  readonly type: AgeType;
  readonly from: Instant;
  /** IANA name: where a day begins when the rule does not say. */
  readonly timezone: string;
}

/** Counts the rule's age back from the instant. @returns a refusal where PostgreSQL cannot, or the age is not in the past */
export async function cutoffOf(database: Reader, question: AgeQuestion): Promise<Cutoff | Refusal> {
  const { rule, type, from, timezone } = question;
  const missing = missingWord(rule, type);
  if (missing !== undefined) return missing;
  const zone = rule.timezone ?? timezone;
  const answer = await judged(
    () => database.rows(cutoffIn({ from: from.text, zone, olderThan: rule.olderThan })),
    (said) => badAge(rule, said),
  );
  if ('refusal' in answer) return answer.refusal;
  const [row] = answer.value;
  if (row === undefined || !row.isPast) return badAge(rule, `${rule.olderThan} does not lead into the past`);
  return { at: row.at, key: keyOf(row, type, rule) };
}

/** What a rule must say besides, for a column of that type. */
export function missingWord({ table, age, timezone, unit }: AgeColumn, type: AgeType): Refusal | undefined {
  if (type === 'timestamp' && timezone === undefined)
    return {
      detail: 'prune.age',
      reason: `${table}.${age} is a timestamp without time zone, and the rule does not say which zone it means`,
      remediation: ['Add `timezone` to the rule, such as UTC or Europe/Berlin.'],
    };
  if ((type === 'int4' || type === 'int8') && unit === undefined)
    return {
      detail: 'prune.age',
      reason: `${table}.${age} is a number, and the rule does not say what it counts`,
      remediation: ['Add `unit: seconds` or `unit: milliseconds` to the rule.'],
    };
  return undefined;
}

function badAge({ name }: AgeRule, said: string): Refusal {
  return {
    detail: 'prune.interval',
    reason: `the age of the rule ${name} is not usable: ${said}`,
    remediation: ['Write `olderThan` as a PostgreSQL interval, such as 90 days, and `timezone` as Europe/Berlin.'],
  };
}

/** One instant in every form that an age column may have. */
export interface InstantForms {
  readonly at: string;
  readonly local: string;
  readonly day: string;
  readonly epoch: string;
  readonly epochMs: string;
}

interface CutoffRow extends InstantForms {
  readonly isPast: boolean;
}

/** A date is old once its whole day is; a number is rounded down: never a row too many. */
export function keyOf(row: InstantForms, type: AgeType, { unit }: Pick<AgeColumn, 'unit'>): string {
  if (type === 'timestamptz') return row.at;
  if (type === 'timestamp') return row.local;
  if (type === 'date') return row.day;
  return unit === 'milliseconds' ? row.epochMs : row.epoch;
}

// JSON has one way to write a time, whatever DateStyle says.
const NOW = sql<Instant>`SELECT to_json(now()) #>> '{}' AS text, (extract(epoch FROM now()) * 1000)::float8 AS ms`;

const cutoffIn = ({ from, zone, olderThan }: Readonly<Record<'from' | 'zone' | 'olderThan', string>>) => sql<CutoffRow>`
  WITH given AS (SELECT ${from}::timestamptz AS instant, ${zone}::text AS zone, ${olderThan}::interval AS age),
       moved AS (SELECT given.*, instant AT TIME ZONE zone - age AS local FROM given)
  SELECT to_json(local AT TIME ZONE zone) #>> '{}' AS at,
         local AT TIME ZONE zone < instant AS "isPast",
         to_json(local) #>> '{}' AS local,
         to_json(local::date) #>> '{}' AS day,
         floor(extract(epoch FROM local AT TIME ZONE zone))::int8::text AS epoch,
         floor(extract(epoch FROM local AT TIME ZONE zone) * 1000)::int8::text AS "epochMs"
    FROM moved`;
