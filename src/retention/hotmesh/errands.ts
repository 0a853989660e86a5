import { fragment, type Fragment } from '../../adapters/sql.ts';
import { deleteRows, type Action } from '../action.ts';
import { PLAIN_ROWS } from '../pace.ts';
import type { Subject } from '../prepare.ts';
import type { Aged } from '../target.ts';
import { kindOf, nameOf, type Kind } from './kinds.ts';
import type { Place } from './places.ts';
import { ofApplication } from './staying.ts';
import { CLOSED, type AppSetting, type HotmeshRule, type HotmeshSettings } from './settings.ts';

/** One rule in one place. */
export interface Errand {
  readonly kind: Kind;
  readonly subject: Subject;
  /** The same from run to run. */
  readonly title: string;
  readonly olderThan: string;
  /** The tables it is about, whole, and the column that says how old their rows are. */
  readonly tables: readonly Aged[];
  /** Which rows, apart from their age. */
  readonly where: Fragment;
  /** How; for pruning that has to be looked up. */
  readonly work:
    | { readonly verb: 'delete'; readonly action: Action }
    | { readonly verb: 'prune'; readonly place: Place };
}

/** A rule that has nothing to do in a place, and why. */
export interface Idle {
  readonly subject: Subject;
  readonly title: string;
  readonly reason: string;
  /** What would change that; empty where nothing should. */
  readonly remediation: readonly string[];
}

/** Each job takes its attributes along. */
const JOB_ROWS = { firstRows: 200, maxRows: 1_500 };

/** What a rule about messages or jobs means in a place. */
export function errandOf(rule: HotmeshRule, place: Place, settings: HotmeshSettings): Errand | Idle {
  return rule.target === 'streams' ? streamsErrand(rule, place, settings) : jobsErrand(rule, place);
}

/** Escalations of all applications share one table. */
export function escalationsErrand(rule: HotmeshRule, apps: readonly AppSetting[] | undefined): Errand {
  const ids = (apps ?? []).flatMap(({ appId }) => appId ?? []);
  const mine = ids.length === 0 ? fragment`true` : fragment`app_id = ANY(${ids}::text[])`;
  const name = nameOf(rule);
  return {
    kind: 'escalations',
    title: `rule ${name}`,
    olderThan: rule.olderThan,
    subject: {
      name,
      trend: name,
      table: 'public.hmsh_escalations',
      noun: 'escalation',
      of: `HotMesh closed more than ${rule.olderThan} ago`,
      verb: 'deleted',
    },
    tables: [{ table: 'public.hmsh_escalations', age: 'updated_at' }],
    where: fragment`${mine} AND status = ANY(${[...(rule.statuses ?? CLOSED)]}::text[])`,
    work: { verb: 'delete', action: deleteRows(PLAIN_ROWS) },
  };
}

/** What is acknowledged is finished. An open message may be old and yet lie in wait, such as the end of a long sleep. */
function streamsErrand(rule: HotmeshRule, place: Place, { keepDeadLetters }: HotmeshSettings): Errand {
  const words = wordsOf(rule, place, place.streams.join(' and '));
  const isDelivered = keepDeadLetters && place.hasDeadLetters ? fragment`dead_lettered_at IS NULL` : fragment`true`;
  return {
    kind: 'streams',
    ...words,
    tables: place.streams.map((name) => ({ table: quoted(place.schema, name), age: 'expired_at' })),
    where: isDelivered,
    work: { verb: 'delete', action: deleteRows(PLAIN_ROWS) },
  };
}

function jobsErrand(rule: HotmeshRule, place: Place): Errand | Idle {
  const kind = kindOf(rule);
  const words = wordsOf(rule, place, 'jobs');
  const { schema, jobs } = place;
  if (kind === 'pruned-jobs' && jobs?.hasPrunedAt === false) return { ...words, ...unmarked(schema) };
  const ages = { 'transient-jobs': 'expired_at', 'entity-jobs': jobs?.knowsEnd === true ? 'updated_at' : 'expired_at' };
  const age = kind === 'transient-jobs' || kind === 'entity-jobs' ? ages[kind] : 'pruned_at';
  return {
    kind,
    ...words,
    tables: [{ table: quoted(schema, 'jobs'), age }],
    where: fragment`${ofApplication(place)} AND ${chosenBy(rule)}`,
    work: kind === 'entity-jobs' ? { verb: 'prune', place } : { verb: 'delete', action: deleteRows(JOB_ROWS) },
  };
}

/** A job above zero is at work; zero is done; below zero it was stopped from outside, or never began. */
function chosenBy(rule: HotmeshRule): Fragment {
  const kind = kindOf(rule);
  if (kind === 'transient-jobs') return fragment`entity IS NULL AND status <= 0`;
  if (kind === 'entity-jobs') return fragment`entity IS NOT NULL AND status = 0`;
  if (rule.hasEntity === undefined) return fragment`status <= 0`;
  return rule.hasEntity ? fragment`entity IS NOT NULL AND status <= 0` : fragment`entity IS NULL AND status <= 0`;
}

function unmarked(schema: string): Pick<Idle, 'reason' | 'remediation'> {
  return {
    reason: `${schema}.jobs has no column pruned_at, so nobody knows which jobs were pruned when`,
    remediation: [
      `SET lock_timeout = '2s'; ALTER TABLE ${quoted(schema, 'jobs')} ADD COLUMN IF NOT EXISTS pruned_at timestamptz;`,
    ],
  };
}

function wordsOf(
  rule: HotmeshRule,
  { schema, label }: Place,
  table: string,
): Pick<Errand, 'subject' | 'title' | 'olderThan'> {
  const kind = kindOf(rule);
  const name = nameOf(rule);
  const { olderThan } = rule;
  const of = {
    streams: `${label} finished more than ${olderThan} ago`,
    'transient-jobs': `${label} without an entity and older than ${olderThan}`,
    'entity-jobs': `${label} with an entity and older than ${olderThan}`,
    'pruned-jobs': `${label} pruned more than ${olderThan} ago`,
    escalations: label,
  };
  return {
    title: `rule ${name} in ${label}`,
    olderThan,
    subject: {
      name,
      trend: `${name} in ${label}`,
      table: `${schema}.${table}`,
      noun: kind === 'streams' ? 'message' : 'job',
      of: of[kind],
      verb: kind === 'entity-jobs' ? 'pruned' : 'deleted',
    },
  };
}

/** A name as SQL would write it, for the lookup in the catalogue. */
function quoted(schema: string, table: string): string {
  return [schema, table].map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
}
