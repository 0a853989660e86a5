import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { formatCount, formatShare, plural } from '../base/units.ts';
import type { Outcome } from '../engine/outcome.ts';
import { positionOf, SEQUENCE_USES, type SequencePosition, type SequenceUse } from './sequence-rows.ts';
import { gradeShare, shareSetting, WARNS_FIRST, warnsFirst } from './thresholds.ts';
import { defineCheck } from './check.ts';

const sequencesSettings = z
  .strictObject({
    warnAt: shareSetting(0.7).describe('Warn when a sequence has used up this share of what it or its column can hold'),
    failAt: shareSetting(0.9).describe('Fail from this share on; at 1 every insert fails'),
    ignore: z
      .array(z.string().min(1))
      .default([])
      .describe('Sequences to leave out, with their schema, such as public.orders_id_seq'),
  })
  .refine(warnsFirst, WARNS_FIRST);
type SequencesSettings = z.infer<typeof sequencesSettings>;

export const sequencesCheck = defineCheck({
  id: 'sequences',
  dimension: 'data',
  alertClass: 'page',
  impact: 'inserts fail for want of a free number',
  measures: 'share of the numbers that a sequence has used up',
  warns: '`sequences.warnAt` of them',
  fails: '`sequences.failAt` of them, or behind the highest number of its column',
  settings: { sequences: sequencesSettings.prefault({}).describe('How near to their end sequences may come') },
  questions: ({ sequences }) => [{ title: 'sequences', ask: (database) => checkSequences(database, sequences) }],
});

/** A sequence that will hand out a number which its column already has. */
interface Behind extends SequencePosition {
  readonly use: SequenceUse;
}

/**
 * Looks for sequences near their end, and for those that fell behind their column, as after an import with ids of its
 * own. Only columns with an index are asked for their highest number: without one that would read the whole table.
 * @throws MaintError when the database does not answer
 */
async function checkSequences(database: Reader, settings: SequencesSettings): Promise<Outcome> {
  const all = await database.rows(SEQUENCE_USES);
  const uses = all.filter(({ label }) => !settings.ignore.includes(label));
  const behind: Behind[] = [];
  for (const use of uses) {
    const position = await positionOf(database, use);
    if (position !== undefined && position.highest >= position.next) behind.push({ use, ...position });
  }
  return judgeSequences({ uses, behind, subject: database.name }, settings);
}

interface Found {
  readonly uses: readonly SequenceUse[];
  readonly behind: readonly Behind[];
  readonly subject: string;
}

function judgeSequences({ uses, behind, subject }: Found, settings: SequencesSettings): Outcome {
  const fullest = uses.toSorted((a, b) => b.share - a.share);
  const full = fullest.filter(({ share }) => gradeShare(share, settings) !== 'done');
  const [first] = fullest;
  const share = first?.share ?? 0;
  const graded = gradeShare(share, settings);
  const isLate = behind.length > 0;
  const unseen = new Set(uses.filter(({ isReadable }) => !isReadable).map(({ label }) => label)).size;
  return {
    status: isLate ? 'fail' : graded,
    summary: [
      ...behind.slice(0, 3).map(behindText),
      ...(full.length > 0 || !isLate ? [fullText(first, full.length)] : []),
      ...(unseen === 0 ? [] : [`${plural(unseen, 'sequence')} not readable by this role`]),
    ].join('; '),
    remediation: [...behind.map(catchUp), ...full.flatMap(widen)],
    facts: {
      sequences: new Set(uses.map(({ label }) => label)).size,
      unseen,
      fullest: fullest.slice(0, 5).map(({ label, column, share: used, left }) => ({ label, column, used, left })),
      behind: behind.map(({ use, next, highest }) => ({
        label: use.label,
        column: use.column,
        next: String(next),
        highest: String(highest),
      })),
    },
    samples: [
      { name: 'sequences.used', subject, value: share, unit: 'ratio' },
      { name: 'sequences.behind', subject, value: behind.length, unit: 'count' },
    ],
  };
}

function behindText({ use, next, highest }: Behind): string {
  return `${use.label} would hand out ${formatCount(next)}, but ${use.column ?? ''} already goes up to ${formatCount(highest)}`;
}

function fullText(fullest: SequenceUse | undefined, full: number): string {
  if (fullest === undefined) return 'no sequences';
  const more = full > 1 ? ` and ${plural(full - 1, 'more')}` : '';
  return `${fullest.label} has used ${formatShare(fullest.share)}, ${formatCount(BigInt(fullest.left))} numbers left${more}`;
}

function catchUp({ use }: Behind): string {
  return `SELECT setval('${use.sequenceSql.replaceAll(`'`, `''`)}', (SELECT max(${use.columnSql ?? ''}) FROM ${use.tableSql ?? ''}));`;
}

function widen({ tableSql, columnSql, sequenceSql, isBigint }: SequenceUse): readonly string[] {
  if (tableSql === null || columnSql === null) return [`ALTER SEQUENCE ${sequenceSql} AS bigint NO MAXVALUE;`];
  const alter = `ALTER TABLE ${tableSql} ALTER COLUMN ${columnSql} TYPE bigint; -- rewrites the table under an exclusive lock`;
  return [...(isBigint ? [] : [alter]), `ALTER SEQUENCE ${sequenceSql} AS bigint NO MAXVALUE;`];
}
