import type { Json } from '../base/json.ts';
import { formatBytes, formatDuration } from '../base/units.ts';
import type { Sample } from '../engine/sample.ts';
import { worst } from '../engine/verdict.ts';
import type { OwnLagRow, ReplicaRow, SlotRow } from './replication-rows.ts';
import { grade, type AgeThresholds } from './thresholds.ts';

/** From where on a standby is too far behind, and a slot keeps too much; bytes and milliseconds. */
interface LinkThresholds extends AgeThresholds {
  readonly warnBytes: number;
  readonly failBytes: number;
  readonly warnRetained: number;
  readonly failRetained: number;
}

type Status = ReturnType<typeof grade>;

/** What is said of one standby or slot. */
export interface Link {
  readonly status: Status;
  readonly text: string;
  readonly remediation: readonly string[];
  readonly facts: Readonly<Record<string, Json>>;
  readonly samples: readonly Sample[];
}

/** A standby as its primary sees it. */
export function judgeReplica({ name, address, state, lagBytes, lagMs }: ReplicaRow, thresholds: LinkThresholds): Link {
  const title = `standby ${name || 'unnamed'}${address === null ? '' : ` (${address})`}`;
  const facts = { replica: name, address, state, lagBytes, lagMs };
  if (lagBytes === null)
    return { status: 'done', text: `${title}: hidden from this role`, remediation: [], facts, samples: [] };
  const status = gradeLag(lagBytes, lagMs ?? 0, thresholds);
  const time = lagMs === null ? '' : `, ${formatDuration(lagMs)}`;
  return {
    status,
    text: `${title} is ${formatBytes(lagBytes)}${time} behind`,
    remediation: status === 'done' ? [] : BEHIND,
    facts,
    samples: [
      { name: 'replication.lag', subject: name, value: (lagMs ?? 0) / 1_000, unit: 'seconds' },
      { name: 'replication.lagBytes', subject: name, value: lagBytes, unit: 'bytes' },
    ],
  };
}

/** A slot: one that nobody fetches from fills the disk of the primary. */
export function judgeSlot({ name, isActive, retainedBytes, walStatus }: SlotRow, thresholds: LinkThresholds): Link {
  const retained = Math.max(0, retainedBytes ?? 0);
  const isLost = walStatus === 'lost';
  const use = isActive ? '' : ', which nobody uses,';
  return {
    status: isLost ? 'fail' : grade(retained, thresholds.warnRetained, thresholds.failRetained),
    text: isLost
      ? `slot ${name} has lost write-ahead log that its standby still needs`
      : `slot ${name}${use} keeps ${formatBytes(retained)} of write-ahead log`,
    remediation:
      isLost || retained >= thresholds.warnRetained
        ? [
            `SELECT pg_drop_replication_slot('${name}'); -- when nobody comes back for it; its standby must be built anew`,
            `ALTER SYSTEM SET max_slot_wal_keep_size = '20GB'; -- so that no slot can ever fill the disk (version 13 and later)`,
          ]
        : [],
    facts: { slot: name, isActive, retainedBytes: retained, walStatus },
    samples: [{ name: 'replication.retained', subject: name, value: retained, unit: 'bytes' }],
  };
}

/** This server, where it is a standby. With everything replayed that it received it is up to date, however old that is. */
export function judgeStandby({ bytes, behindMs, isReceiving }: OwnLagRow, thresholds: LinkThresholds): Link {
  const isCaughtUp = isReceiving && bytes === 0;
  const lagMs = isCaughtUp ? 0 : behindMs;
  const status = gradeLag(bytes ?? 0, lagMs, thresholds);
  const cut = isReceiving ? '' : ', without a connection to its primary';
  return {
    status,
    text: `this standby is ${formatDuration(lagMs)} behind${cut}`,
    remediation: status === 'done' ? [] : [...(isReceiving ? [] : CUT_OFF), ...BEHIND],
    facts: { bytes, behindMs, isReceiving },
    samples: [{ name: 'replication.lag', subject: 'this server', value: lagMs / 1_000, unit: 'seconds' }],
  };
}

function gradeLag(bytes: number, lagMs: number, thresholds: LinkThresholds): Status {
  const byBytes = grade(bytes, thresholds.warnBytes, thresholds.failBytes);
  const byTime = grade(lagMs, thresholds.warnAfter, thresholds.failAfter);
  return worst([byBytes, byTime]) === byBytes ? byBytes : byTime;
}

const BEHIND = [
  'On the standby: SELECT * FROM pg_stat_wal_receiver; -- is it connected, and how far is it?',
  'On the standby: SELECT pid, application_name, xact_start FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start; -- a long query there can hold up what it replays',
  'Look at network, disk and load of the standby: uptime; iostat -x 1 5',
];

const CUT_OFF = [
  'Look into the log of the standby for why it cannot connect: address, password, or write-ahead log that the primary no longer has.',
];
