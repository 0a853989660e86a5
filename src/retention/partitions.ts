import type { Reader } from '../adapters/postgres.ts';
import { ident, sql, type Identifier } from '../adapters/sql.ts';
import { plural } from '../base/units.ts';
import type { Cutoff } from './cutoff.ts';
import { partitionsBefore, type Piece } from './partition-lookup.ts';
import { triggersOn, type Reference } from './references.ts';
import type { Refusal } from './refusal.ts';
import { isChoosy, type Rule } from './settings.ts';
import type { Family, Target } from './target.ts';

/** A partition of which every row is old. */
export interface OldPartition extends Pick<Piece, 'oid' | 'name' | 'leaves' | 'state'> {
  readonly table: Identifier;
  readonly parent: Identifier;
  /** It can leave while the table is used; else everybody has to stand back for a moment. */
  readonly isConcurrent: boolean;
}

/** The partitions that a rule takes whole. */
export interface Partitions {
  readonly mode: 'drop' | 'detach';
  /** Those that earlier runs left half done come first, then the oldest. */
  readonly old: readonly OldPartition[];
  /** The comment that a partition carries from before it leaves until it is gone, by which a later run knows it. */
  readonly mark: string;
}

/** What taking partitions whole comes to. */
interface PartitionChoice {
  /** Undefined where rows go one by one. */
  readonly partitions?: Partitions;
  readonly refusals: readonly Refusal[];
  /** For a dry run. */
  readonly lines: readonly string[];
}

interface Question {
  readonly rule: Rule;
  readonly family: Family;
  readonly target: Target;
  readonly cutoff: Cutoff;
  readonly references: readonly Reference[];
}

/** Tables whose rows go one by one. */
export function targetsOutside(old: readonly OldPartition[], targets: readonly Target[]): readonly Target[] {
  const whole = new Set(old.flatMap(({ leaves }) => leaves));
  return targets.filter(({ oid }) => !whole.has(oid));
}

/** Finds the partitions by ranges of the age column that lie below the cutoff as a whole. */
export async function choosePartitions(database: Reader, question: Question): Promise<PartitionChoice> {
  const { rule, family, target, cutoff, references } = question;
  // Partitioned tables hold no rows themselves, so they are no targets.
  if (family.targets.length === family.oids.length) return { refusals: [], lines: [] };
  const mark = `maint: leaves by the rule ${rule.name} of table ${family.oids[0] ?? ''}`;
  const pieces = await database.rows(partitionsBefore({ family, target, cutoff, age: rule.age, mark }));
  // What lies within another old partition goes with it.
  const found = pieces.filter(({ above }) => !pieces.some(({ oid }) => above.includes(oid)));
  if (found.length === 0) return { refusals: [], lines: [] };
  if (rule.partitions === 'rows')
    return { refusals: [], lines: isChoosy(rule) || references.length > 0 ? [] : offer(found) };
  const reason = await standsAgainst(database, question);
  if (reason !== undefined) return { refusals: [], lines: [`partitions stay and lose their rows: ${reason}`] };
  const refusals = [...(await youngRefusals(database, found, question)), ...ownerRefusals(found)];
  if (refusals.length > 0) return { refusals, lines: [] };
  const { major, isPooled } = await database.server();
  const old = found.map((piece) => ({
    ...piece,
    table: ident(piece.schema, piece.relation),
    parent: ident(piece.parentSchema, piece.parentName),
    isConcurrent: major >= 14 && !isPooled && !piece.hasDefault,
  }));
  return {
    partitions: { mode: rule.partitions, mark, old },
    refusals: [],
    lines: linesOf(
      rule.partitions,
      old.filter(({ state }) => state !== 'kept'),
    ),
  };
}

function offer(found: readonly Piece[]): readonly string[] {
  const count = found.filter(({ state }) => state === 'attached').length;
  return count === 0 ? [] : [`${plural(count, 'partition')} would go at once with \`partitions: drop\``];
}

/** With a partition no other row goes along, and no trigger fires. */
async function standsAgainst(database: Reader, { family, references }: Question): Promise<string | undefined> {
  const reference = references.find(({ isEmpty }) => !isEmpty);
  if (reference !== undefined) return `${reference.child} refers to them (${reference.constraint})`;
  const [trigger] = await database.rows(triggersOn(family.oids, 'DELETE'));
  return trigger === undefined ? undefined : `the trigger ${trigger.name} has to see each of them`;
}

/** Out of reach of its bounds, anybody may have put rows into a partition that an earlier run has detached. */
async function youngRefusals(
  database: Reader,
  found: readonly Piece[],
  { rule, target, cutoff }: Question,
): Promise<readonly Refusal[]> {
  if (rule.partitions !== 'drop') return [];
  const refusals: Refusal[] = [];
  for (const { name, schema, relation } of found.filter(({ state }) => state === 'left')) {
    const { age, ageCast } = target;
    const [row] = await database.rows(sql<{ isYoung: boolean }>`
      SELECT EXISTS (SELECT FROM ${ident(schema, relation)} WHERE (${age} < ${cutoff.key}::${ageCast}) IS NOT TRUE) AS "isYoung"`);
    if (row?.isYoung === true)
      refusals.push({
        detail: 'prune.partition',
        reason: `${name} was detached in order to be dropped, and holds rows now that are not old`,
        remediation: [`COMMENT ON TABLE ${name} IS NULL; -- then it stays`],
      });
  }
  return refusals;
}

function ownerRefusals(found: readonly Piece[]): readonly Refusal[] {
  return found
    .filter(({ isOwn }) => !isOwn)
    .slice(0, 1)
    .map(({ name }) => ({
      detail: 'prune.privilege',
      reason: `the role does not own ${name} and the table it is part of, and only their owner can take it away`,
      remediation: [`ALTER TABLE ${name} OWNER TO the role in the database URL;`, 'Or leave out `partitions`.'],
    }));
}

function linesOf(mode: Partitions['mode'], old: readonly OldPartition[]): readonly string[] {
  const [first] = old;
  const last = old.at(-1);
  if (first === undefined || last === undefined) return [];
  const span = old.length === 1 ? first.name : `${first.name} to ${last.name}`;
  const how = first.isConcurrent ? ' CONCURRENTLY' : '';
  const then = mode === 'drop' ? `; DROP TABLE ${first.name}` : '';
  return [`${mode} ${plural(old.length, 'partition')} whole: ${span}`, `DETACH PARTITION ${first.name}${how}${then}`];
}
