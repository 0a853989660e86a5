import type { Reader } from '../adapters/postgres.ts';
import { fragment, type Statement } from '../adapters/sql.ts';
import { formatCount, formatShare } from '../base/units.ts';
import type { Facts } from '../engine/outcome.ts';
import type { Action } from './action.ts';
import { countDoomed, shareRefusals, type Counts } from './count.ts';
import { fingerprintOf } from './cursor.ts';
import { youthRefusal, type Instant } from './cutoff.ts';
import { readWhere, type Doom } from './doomed.ts';
import { readMark } from './marking.ts';
import { narrow } from './narrow.ts';
import { choosePartitions, targetsOutside, type Partitions } from './partitions.ts';
import { readAges } from './plan-ages.ts';
import { firstPosition } from './ranges.ts';
import type { Reference } from './references.ts';
import type { Refusal } from './refusal.ts';
import { olderThanInWords, type Rule } from './settings.ts';
import { tablesOf } from './table-facts.ts';
import { findFamily, type Target } from './target.ts';
import { volatileRefusal } from './volatile.ts';
import { lookAtWay } from './ways.ts';

/** What reports call a rule. */
export interface Subject {
  /** What `--rule` takes. */
  readonly name: string;
  /** The same where a rule works in several places: what its numbers are kept under. */
  readonly trend: string;
  /** `events`, for programs. */
  readonly table: string;
  /** What one row is: `row`, `job`. */
  readonly noun: string;
  /** `events older than 30 days`. */
  readonly of: string;
  readonly verb: 'deleted' | 'pruned' | 'archived' | 'marked' | 'stripped';
  /** What goes with them, one and many; attributes where left out. */
  readonly along?: readonly [one: string, many: string];
}

/** A rule that was looked at: why it must not begin, and what it is about as far as that is known. */
export interface Prepared {
  readonly subject: Subject;
  readonly refusals: readonly Refusal[];
  readonly found?: Found;
  /** Why there is nothing to do, and what would change that. */
  readonly idle?: { readonly reason: string; readonly remediation: readonly string[] };
}

/** What a rule is about, and what it does. */
export interface Found {
  readonly action: Action;
  readonly targets: readonly Target[];
  readonly doom: Doom;
  readonly counts: Counts;
  readonly references: readonly Reference[];
  /** Those that go whole, where the rule says so. */
  readonly partitions?: Partitions;
  /** Oids of tables whose rows go along. */
  readonly companions: readonly string[];
  /** What the rule does, then whatever else a dry run should show. */
  readonly lines: readonly string[];
  /** The statements of the first batch; empty where no row is old. */
  readonly firstBatch: readonly Statement<object>[];
  /** All that the rule says, so that a run that goes on with an earlier one knows that it is the same. */
  readonly fingerprint?: string;
  /** What should be told besides, once it is done. */
  readonly caveat?: Caveat;
}

/** Rows that are old enough and yet stay. */
export interface Caveat {
  /** Follows the summary of what was done; undefined where nobody has to act. */
  readonly warning: string | undefined;
  readonly remediation: readonly string[];
  readonly facts: Facts;
}

/** Where and when a rule is looked at. */
export interface Surroundings {
  readonly database: Reader;
  readonly from: Instant;
  /** No rule may take rows that are younger, in milliseconds. */
  readonly floorMs: number;
  /** IANA name: where a day begins. */
  readonly timezone: string;
}

/** What reports call the rule of a table. */
export function subjectOf(rule: Rule): Subject {
  const { name, table, strip } = rule;
  const [child, ...others] = strip?.children ?? [];
  const owner = others.length > 0 ? 'other tables' : (child?.table ?? '');
  return {
    name,
    trend: name,
    table,
    noun: 'row',
    of: `${table} ${olderThanInWords(rule)}`,
    verb: rule.action === 'delete' && rule.archive !== undefined ? 'archived' : VERBS[rule.action],
    ...(child !== undefined && { along: [`row of ${owner}`, `rows of ${owner}`] as const }),
  };
}

const VERBS = { delete: 'deleted', 'soft-delete': 'marked', strip: 'stripped' } as const;

/** What a rule does, as the first line of a dry run. */
function doingOf(rule: Rule, key: string): string {
  const { table, age, action, mark = '', archive } = rule;
  const old = `${olderThanInWords(rule)}: ${age} before ${key}`;
  if (action === 'soft-delete') return `set ${mark} of ${table} where it is ${old}`;
  if (action === 'strip') return `strip ${table} and set ${mark} where it is ${old}`;
  return `${archive === undefined ? 'delete' : 'archive and delete'} from ${table} what is ${old}`;
}

/** Looks at everything a rule would touch, and deletes nothing. @throws MaintError where it cannot find out */
export async function prepareRule(rule: Rule, surroundings: Surroundings): Promise<Prepared> {
  const { database, from, timezone } = surroundings;
  const subject = subjectOf(rule);
  const family = await findFamily(database, rule, rule.action === 'delete' ? 'DELETE' : 'UPDATE');
  if ('reason' in family) return { subject, refusals: [family] };
  const { targets } = family;
  const [first] = targets;
  if (first === undefined) return { subject, refusals: [] };
  const ages = await readAges(database, { rule, type: first.ageType, from, timezone });
  if ('reason' in ages) return { subject, refusals: [ages] };
  const { cutoff, cutoffs } = ages;
  const condition = await readWhere(database, rule, targets);
  if ('reason' in condition) return { subject, refusals: [condition] };
  const shaky = await volatileRefusal(database, rule, first, condition.where);
  if (shaky !== undefined) return { subject, refusals: [shaky] };
  const [root] = await tablesOf(database, family.oids.slice(0, 1));
  if (root === undefined) return { subject, refusals: [] };
  const mark = readMark(rule, root);
  if (mark !== undefined && 'reason' in mark) return { subject, refusals: [mark] };
  const where = mark === undefined ? condition.where : fragment`${condition.where} AND ${mark.isUnset}`;
  const narrowed = await narrow(database, { rule, family, root, doom: { cutoff, where }, cutoffs });
  if ('reason' in narrowed) return { subject, refusals: [narrowed] };
  const doom: Doom = {
    cutoff,
    where: narrowed.where,
    ...(rule.action === 'soft-delete' && mark !== undefined && { among: mark.isUnset }),
  };
  const way = await lookAtWay(database, { rule, family, root, doom }, mark);
  const counts = await countDoomed(database, targets, doom);
  const { action, references, companions } = way;
  const choice = await choosePartitions(database, { rule, family, target: first, cutoff, references });
  const refusals = [
    ...youthRefusal(cutoff, surroundings, rule.name),
    ...way.refusals,
    ...choice.refusals,
    ...(await shareRefusals(database, counts, { rule, targets, doom })),
  ];
  const lines = [doingOf(rule, cutoff.key), ...narrowed.lines, ...way.lines, ...choice.lines];
  const { partitions } = choice;
  const rowTargets = partitions === undefined ? targets : targetsOutside(partitions.old, targets);
  const found: Found = {
    action,
    targets,
    doom,
    counts,
    references,
    companions,
    lines,
    firstBatch: await firstBatchOf(database, { targets: rowTargets, doom, action }),
    fingerprint: fingerprintOf(rule),
    ...(partitions !== undefined && { partitions }),
  };
  return { subject, refusals, found };
}

/** What the first batch of a rule would say to the server. */
export async function firstBatchOf(
  database: Reader,
  { targets, doom, action }: Pick<Found, 'targets' | 'doom' | 'action'>,
): Promise<readonly Statement<object>[]> {
  const canReadBlocks = (await database.server()).major >= 14;
  const { firstRows, maxLimit } = action;
  for (const target of targets) {
    const position = await firstPosition({ database, target, doom, canReadBlocks });
    if (position === undefined) continue;
    const { condition } = await position(firstRows);
    const grip = { target, condition, limit: Math.min(firstRows, maxLimit), isAroundLocks: false };
    return action.statements(grip);
  }
  return [];
}

/** What a dry run shows of a rule, one line each. */
export function intentOf({ refusals, found, idle }: Prepared): readonly string[] {
  if (idle !== undefined) return [`nothing to do: ${idle.reason}`];
  const refused = refusals.map(({ reason }) => `refused: ${reason}`);
  if (found === undefined) return refused;
  const { counts, references, lines, firstBatch } = found;
  const { doomed, total, isExact, isTotalExact, oldest, newest, samples } = counts;
  const share = total === 0 ? 0 : doomed / total;
  return [
    ...refused,
    ...lines.slice(0, 1),
    `${isExact ? '' : 'about '}${formatCount(doomed)} of ${isTotalExact ? '' : 'about '}${formatCount(total)} rows (${formatShare(share)})` +
      (oldest === null ? '' : `, from ${oldest} to ${newest ?? ''}`),
    ...(samples.length === 0 ? [] : [`such as ${samples.join(', ')}`]),
    ...lines.slice(1),
    ...references.filter(({ onDelete }) => onDelete !== 'NO ACTION' && onDelete !== 'RESTRICT').map(follows),
    ...firstBatch.map(written),
  ];
}

function written({ text, values }: Statement<object>): string {
  const given = values.map((value, index) => `$${index + 1} = ${String(value)}`).join(', ');
  return `${text.replaceAll(/\s+/g, ' ').trim()} -- ${given}`;
}

function follows({ child, constraint, onDelete }: Reference): string {
  return onDelete === 'CASCADE'
    ? `rows of ${child} that refer to them go too (${constraint})`
    : `rows of ${child} that refer to them are changed: ${onDelete} (${constraint})`;
}
