import type { AlertClass, Concern, Dimension } from '../engine/concern.ts';

/** What each check is about and how urgent it is, by the page of its runbook. */
const CONCERNS = {
  'database-answers': concern(
    'dependencies',
    'page',
    'while the database does not answer, nothing that needs it works',
  ),
  'database-role': concern('dependencies', 'page', 'writes fail, or two primaries drift apart'),
  connections: concern('resources', 'page', 'at the limit the server refuses every new connection'),
  'long-transactions': concern('resources', 'ticket', 'it holds locks, and keeps VACUUM from removing dead rows'),
  'idle-in-transaction': concern('resources', 'ticket', 'it holds locks, and keeps VACUUM from removing dead rows'),
  'blocked-sessions': concern('service', 'page', 'whoever waits for the lock gets no answer'),
  'transaction-ids': concern('resources', 'page', 'when the ids run out the server refuses every write'),
  sequences: concern('data', 'page', 'inserts fail for want of a free number'),
  'invalid-indexes': concern('data', 'ticket', 'the index slows every write and helps no query'),
  checksums: concern('data', 'page', 'pages on disk are damaged, and rows may be lost'),
  replication: concern(
    'dependencies',
    'ticket',
    'a failover would lose what the standby lacks, or a slot fills the disk',
  ),
  clock: concern('resources', 'ticket', 'signed messages, certificates, sessions and schedules go wrong'),
  memory: concern('resources', 'ticket', 'the kernel ends processes for want of memory'),
  disk: concern('resources', 'page', 'on a full disk the database stops'),
  http: concern('service', 'page', 'people who use the application get no answer'),
} as const satisfies Readonly<Record<string, Omit<Concern, 'check'>>>;

function concern(dimension: Dimension, alertClass: AlertClass, impact: string): Omit<Concern, 'check'> {
  return { dimension, alertClass, impact };
}

/** Is there a check of this name? */
export function isCheck(name: string): name is keyof typeof CONCERNS {
  return Object.hasOwn(CONCERNS, name);
}

/** The whole concern of a check. */
export function concernOf(check: keyof typeof CONCERNS): Concern {
  return { check, ...CONCERNS[check] };
}
