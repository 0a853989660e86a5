import type { Reader } from '../../adapters/postgres.ts';
import { fragment, sql, type Fragment } from '../../adapters/sql.ts';
import { MaintError } from '../../base/errors.ts';
import { formatCount, plural } from '../../base/units.ts';
import { doomed, type Doom } from '../doomed.ts';
import type { Caveat } from '../prepare.ts';
import type { Target } from '../target.ts';
import type { Place } from './places.ts';
import type { HotmeshSettings } from './settings.ts';

/** Jobs with an entity that are old enough, and need a word of their own. */
export interface Staying {
  /** Past their expiry, which a trigger would notice as soon as they are marked. */
  readonly expired: number;
  /** Their key belongs to another job too, and a trigger would refuse the mark. */
  readonly twins: number;
  /** Stopped from outside: HotMesh has no rule for them. */
  readonly interrupted: number;
}

interface Question {
  readonly place: Place;
  readonly targets: readonly Target[];
  /** The jobs that would be pruned, were there no triggers. */
  readonly open: Doom;
  /** Those of them that no trigger stands in the way of. */
  readonly isFree: Fragment;
  readonly isNoticed: boolean;
}

/** Only jobs of the application that is meant, where one is named. */
export function ofApplication({ appId }: Place): Fragment {
  return appId === undefined ? fragment`true` : fragment`starts_with(key, ${`hmsh:${appId}:j:`})`;
}

/** @returns undefined where counting took too long */
export async function countStaying(database: Reader, question: Question): Promise<Staying | undefined> {
  const { place, targets, open, isFree, isNoticed } = question;
  const stopped = fragment`${ofApplication(place)} AND entity IS NOT NULL AND status < 0`;
  const unmarked = (place.jobs?.hasPrunedAt ?? false) ? fragment`pruned_at IS NULL` : fragment`true`;
  const isExpired = isNoticed ? fragment`${open.where} AND expired_at <= now() AND is_live` : fragment`false`;
  const isTwin = isNoticed
    ? fragment`${open.where} AND (expired_at <= now()) IS NOT TRUE AND (${isFree}) IS NOT TRUE`
    : fragment`false`;
  let all: Staying = { expired: 0, twins: 0, interrupted: 0 };
  try {
    for (const target of targets) {
      const [row] = await database.rows(sql<Staying>`
        SELECT count(*) FILTER (WHERE ${isExpired})::float8 AS expired,
               count(*) FILTER (WHERE ${isTwin})::float8 AS twins,
               count(*) FILTER (WHERE ${stopped})::float8 AS interrupted
          FROM ONLY ${target.table}
         WHERE ${doomed(target, { ...open, where: fragment`${unmarked}` })}`);
      if (row !== undefined) all = sum(all, row);
    }
    return all;
  } catch (error) {
    if (error instanceof MaintError && error.code === 'STATEMENT_TIMED_OUT') return undefined;
    throw error;
  }
}

function sum(all: Staying, one: Staying): Staying {
  return {
    expired: all.expired + one.expired,
    twins: all.twins + one.twins,
    interrupted: all.interrupted + one.interrupted,
  };
}

/** What a dry run says of them. */
export function linesOf(staying: Staying | undefined): readonly string[] {
  if (staying === undefined) return ['how many jobs stay whole for other reasons could not be counted in time'];
  const { expired, twins, interrupted } = staying;
  return [
    ...(expired > 0 ? [`${formatCount(expired)} of those old enough are past their expiry`] : []),
    ...(twins > 0 ? [`${formatCount(twins)} of them have a key that another live job has too, and stay whole`] : []),
    ...(interrupted > 0
      ? [`${formatCount(interrupted)} others were interrupted, which no rule of HotMesh covers`]
      : []),
  ];
}

/** What the report of the rule says of them. */
export function caveatOf(
  staying: Staying | undefined,
  { settings, schema }: { readonly settings: HotmeshSettings; readonly schema: string },
): Caveat {
  if (staying === undefined) return { warning: undefined, remediation: [], facts: {} };
  const { expired, twins } = staying;
  const isMarked = settings.expiredJobs === 'mark';
  const warnings = [
    ...(expired > 0
      ? [
          isMarked
            ? `${plural(expired, 'job')} past their expiry can now be exported with allow_direct_query only`
            : `${plural(expired, 'job')} past their expiry stay whole, as HotMesh could not export them once marked`,
        ]
      : []),
    ...(twins > 0 ? [`${plural(twins, 'job')} with the key of another live job stay whole`] : []),
  ];
  return {
    warning: warnings.length === 0 ? undefined : warnings.join('; '),
    remediation: [
      ...(expired > 0 ? GRANT : []),
      ...(twins > 0
        ? [`SELECT key, count(*) FROM "${schema}".jobs WHERE is_live GROUP BY key HAVING count(*) > 1;`]
        : []),
    ],
    facts: { staying: { ...staying } },
  };
}

const GRANT = [
  'GRANT SET ON PARAMETER session_replication_role TO the role in the database URL; -- PostgreSQL 15 or newer',
  'Where that cannot be, choose with `expiredJobs: mark` to lose their export.',
];
