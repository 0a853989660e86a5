import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { sizeSetting } from '../base/settings.ts';
import { skip, type Outcome } from '../engine/outcome.ts';
import { worst } from '../engine/verdict.ts';
import { judgeReplica, judgeSlot, judgeStandby, type Link } from './replication-links.ts';
import { OWN_LAG, REPLICAS, SLOTS } from './replication-rows.ts';
import { ageSettings, WARNS_SOONER, warnsSooner } from './thresholds.ts';
import { defineCheck } from './check.ts';

const replicationSettings = z
  .strictObject({
    ...ageSettings('a standby has been behind', { warnAfter: '30s', failAfter: '5 min' }),
    warnBytes: sizeSetting.prefault('256 MB').describe('Warn when a standby is behind by more than this'),
    failBytes: sizeSetting.prefault('2 GB').describe('Fail when a standby is behind by more than this'),
    warnRetained: sizeSetting.prefault('1 GB').describe('Warn when a replication slot keeps more than this in pg_wal'),
    failRetained: sizeSetting.prefault('5 GB').describe('Fail when a replication slot keeps more than this in pg_wal'),
  })
  .refine(warnsSooner, WARNS_SOONER)
  .refine(({ warnBytes, failBytes }) => warnBytes < failBytes, {
    path: ['warnBytes'],
    error: 'warnBytes must be below failBytes',
  })
  .refine(({ warnRetained, failRetained }) => warnRetained < failRetained, {
    path: ['warnRetained'],
    error: 'warnRetained must be below failRetained',
  });
type ReplicationSettings = z.infer<typeof replicationSettings>;

export const replicationCheck = defineCheck({
  id: 'replication',
  dimension: 'dependencies',
  alertClass: 'ticket',
  impact: 'a failover would lose what the standby lacks, or a slot fills the disk',
  measures: 'how far standbys are behind, seconds and bytes; what slots keep, bytes',
  warns: '`replication.warnAfter`, `replication.warnBytes` or `replication.warnRetained`',
  fails: '`replication.failAfter`, `replication.failBytes` or `replication.failRetained`, or a slot that has lost log',
  settings: {
    replication: replicationSettings.prefault({}).describe('How far standbys may be behind, and what slots may keep'),
  },
  questions: ({ replication }) => [
    { title: 'replication', ask: (database) => checkReplication(database, replication) },
  ],
});

/**
 * Looks how far standbys are behind, this server among them where it is one, and how much write-ahead log slots keep
 * back. A server without any of them is skipped.
 * @throws MaintError when the database does not answer
 */
async function checkReplication(database: Reader, settings: ReplicationSettings): Promise<Outcome> {
  const { isStandby } = await database.server();
  const replicas = await database.rows(REPLICAS);
  const slots = await database.rows(SLOTS);
  const [own] = isStandby ? await database.rows(OWN_LAG) : [];
  return judgeLinks([
    ...(own === undefined ? [] : [judgeStandby(own, settings)]),
    ...replicas.map((replica) => judgeReplica(replica, settings)),
    ...slots.map((slot) => judgeSlot(slot, settings)),
  ]);
}

/** As bad as the worst link; where something is wrong only that is told. */
function judgeLinks(links: readonly Link[]): Outcome {
  if (links.length === 0) return skip('no standby and no replication slot');
  const verdicts = links.map(({ status }) => status);
  const status = verdicts.find((each) => each === worst(verdicts)) ?? 'done';
  const told = status === 'done' ? links : links.filter((link) => link.status !== 'done');
  const more = told.length > 3 ? `; and ${told.length - 3} more` : '';
  return {
    status,
    summary:
      told
        .slice(0, 3)
        .map(({ text }) => text)
        .join('; ') + more,
    remediation: [...new Set(links.flatMap(({ remediation }) => remediation))],
    facts: { links: links.map(({ facts }) => facts) },
    samples: links.flatMap(({ samples }) => samples),
  };
}
