import { blockedSessionsCheck } from './check-blocked-sessions.ts';
import { checksumsCheck } from './check-checksums.ts';
import { clockCheck } from './check-clock.ts';
import { connectionsCheck } from './check-connections.ts';
import { dataCountsCheck } from './check-data-counts.ts';
import { dataFilesCheck } from './check-data-files.ts';
import { dataFreshnessCheck } from './check-data-freshness.ts';
import { dataOrphansCheck } from './check-data-orphans.ts';
import { databaseAnswersCheck } from './check-database.ts';
import { descriptorsCheck } from './check-descriptors.ts';
import { diskCheck } from './check-disk.ts';
import { dnsCheck } from './check-dns.ts';
import { endToEndCheck } from './check-end-to-end.ts';
import { httpCheck } from './check-http.ts';
import { idleInTransactionCheck } from './check-idle-in-transaction.ts';
import { invalidIndexesCheck } from './check-invalid-indexes.ts';
import { jobsCheck } from './check-jobs.ts';
import { longTransactionsCheck } from './check-long-transactions.ts';
import { memoryCheck } from './check-memory.ts';
import { objectStorageCheck } from './check-object-storage.ts';
import { processCheck } from './check-process.ts';
import { queuesCheck } from './check-queues.ts';
import { redisCheck } from './check-redis.ts';
import { replicationCheck } from './check-replication.ts';
import { databaseRoleCheck } from './check-role.ts';
import { sequencesCheck } from './check-sequences.ts';
import { smtpCheck } from './check-smtp.ts';
import { stateCheck } from './check-state.ts';
import { tcpCheck } from './check-tcp.ts';
import { transactionIdsCheck } from './check-transaction-ids.ts';
import type { Check } from './check.ts';

/** Every check, in the order of the report; the one that finds out whether the database answers comes first. */
export const checks: readonly Check[] = [
  databaseAnswersCheck,
  databaseRoleCheck,
  connectionsCheck,
  longTransactionsCheck,
  idleInTransactionCheck,
  blockedSessionsCheck,
  transactionIdsCheck,
  sequencesCheck,
  invalidIndexesCheck,
  checksumsCheck,
  replicationCheck,
  clockCheck,
  queuesCheck,
  dataCountsCheck,
  dataOrphansCheck,
  dataFreshnessCheck,
  dataFilesCheck,
  endToEndCheck,
  memoryCheck,
  descriptorsCheck,
  diskCheck,
  httpCheck,
  processCheck,
  tcpCheck,
  redisCheck,
  smtpCheck,
  dnsCheck,
  objectStorageCheck,
  jobsCheck,
  stateCheck,
];
