import { z } from 'zod';
import type { Reader } from '../adapters/postgres.ts';
import { slugOf } from '../engine/fault.ts';
import { skip, type Outcome } from '../engine/outcome.ts';
import { defineTask, type Step, type StepContext } from '../engine/task.ts';
import { blockedSessionsSettings, checkBlockedSessions } from '../health/check-blocked-sessions.ts';
import { checkChecksums } from '../health/check-checksums.ts';
import { checkClock, clockSettings } from '../health/check-clock.ts';
import { checkConnections, connectionsSettings } from '../health/check-connections.ts';
import { checkDatabase, databaseSettings } from '../health/check-database.ts';
import { checkDisk, diskPathsSetting, diskSettings } from '../health/check-disk.ts';
import { checkHttp, endpointName, endpointsSetting } from '../health/check-http.ts';
import { checkIdleInTransaction, idleInTransactionSettings } from '../health/check-idle-in-transaction.ts';
import { checkInvalidIndexes, invalidIndexesSettings } from '../health/check-invalid-indexes.ts';
import { checkLongTransactions, longTransactionsSettings } from '../health/check-long-transactions.ts';
import { checkMemory, memorySettings } from '../health/check-memory.ts';
import { checkReplication, replicationSettings } from '../health/check-replication.ts';
import { checkRole, roleSetting } from '../health/check-role.ts';
import { checkSequences, sequencesSettings } from '../health/check-sequences.ts';
import { checkTransactionIds, transactionIdsSettings } from '../health/check-transaction-ids.ts';
import { concernOf, isCheck } from '../health/concerns.ts';
import { defaultDisks } from '../health/default-disks.ts';
import { isOutOfReach } from '../health/unanswered.ts';

const settings = z.strictObject({
  database: databaseSettings.prefault({}).describe('How fast the database must answer'),
  connections: connectionsSettings.prefault({}).describe('How many connections may be in use'),
  longTransactions: longTransactionsSettings.prefault({}).describe('How long a transaction may be at work'),
  idleInTransaction: idleInTransactionSettings.prefault({}).describe('How long a transaction may be left open'),
  blockedSessions: blockedSessionsSettings.prefault({}).describe('How long a session may wait for a lock'),
  transactionIds: transactionIdsSettings.prefault({}).describe('How near to running out of transaction ids'),
  sequences: sequencesSettings.prefault({}).describe('How near to their end sequences may come'),
  invalidIndexes: invalidIndexesSettings.prefault({}).describe('Which invalid indexes are known'),
  replication: replicationSettings.prefault({}).describe('How far standbys may be behind, and what slots may keep'),
  expectRole: roleSetting.optional().describe('What the server must be; not looked at where left out'),
  clock: clockSettings.prefault({}).describe('How far the clocks of this host and of the database may be apart'),
  memory: memorySettings.prefault({}).describe('How much memory may be taken where maint runs'),
  disks: diskPathsSetting
    .optional()
    .describe('Paths whose disks to watch; the root filesystem and the disks of a local database where left out'),
  disk: diskSettings.prefault({}).describe('How full these disks may be'),
  http: endpointsSetting.prefault([]).describe('Addresses of the application that must answer'),
});
type HealthSettings = z.infer<typeof settings>;

export const health = defineTask({
  name: 'health',
  summary: 'Check that database and application answer and have room to spare',
  tier: 'daily',
  effect: 'reads',
  onFailure: 'continue',
  deadlineMs: 60_000,
  settings,
  examples: [
    { command: 'maint health', summary: 'look at everything once; exit code 1 when something is broken' },
    { command: 'maint health --json', summary: 'the same as one JSON document' },
    { command: 'maint health --format nagios', summary: 'as a plugin of Nagios or Icinga, with exit code 0 to 3' },
    { command: 'MAINT_FAULT=sequences=fail maint health', summary: 'a drill: prove that the alarm arrives' },
  ],

  async plan({ settings: chosen, database }) {
    const disks = chosen.disks ?? (await defaultDisks(database));
    return [
      ...databaseSteps(chosen),
      memoryStep(chosen),
      ...diskSteps([...new Set(disks)], chosen),
      ...httpSteps(chosen),
    ].map(withConcern);
  },
});

/** Steps of one kind, as of several disks, begin with the word of their check. */
function withConcern(step: Step): Step {
  const slug = slugOf(step.title);
  const check = [slug, slug.split('-')[0] ?? ''].find(isCheck);
  return check === undefined ? step : { ...step, concern: concernOf(check) };
}

/** A question to a database that answers. */
interface DatabaseCheck {
  readonly title: string;
  look(database: Reader, chosen: HealthSettings, context: StepContext): Promise<Outcome>;
}

/** In the order of the report: who is connected, what is stored, who follows. */
const DATABASE_CHECKS: readonly DatabaseCheck[] = [
  { title: 'connections', look: (database, { connections }) => checkConnections(database, connections) },
  {
    title: 'long transactions',
    look: (database, { longTransactions }) => checkLongTransactions(database, longTransactions),
  },
  {
    title: 'idle in transaction',
    look: (database, { idleInTransaction }) => checkIdleInTransaction(database, idleInTransaction),
  },
  {
    title: 'blocked sessions',
    look: (database, { blockedSessions }) => checkBlockedSessions(database, blockedSessions),
  },
  {
    title: 'transaction ids',
    look: (database, { transactionIds }) => checkTransactionIds(database, transactionIds),
  },
  { title: 'sequences', look: (database, { sequences }) => checkSequences(database, sequences) },
  {
    title: 'invalid indexes',
    look: (database, { invalidIndexes }) => checkInvalidIndexes(database, invalidIndexes),
  },
  { title: 'checksums', look: (database) => checkChecksums(database) },
  { title: 'replication', look: (database, { replication }) => checkReplication(database, replication) },
  { title: 'clock', look: (database, { clock }, context) => checkClock(database, clock, () => context.now()) },
];

/** The role is a question only where someone says what it should be. */
function databaseChecks({ expectRole }: HealthSettings): readonly DatabaseCheck[] {
  if (expectRole === undefined) return DATABASE_CHECKS;
  return [{ title: 'database role', look: (database) => checkRole(database, expectRole) }, ...DATABASE_CHECKS];
}

const FIRST = 'database answers';

/**
 * The first step finds out whether the database answers; the next ask no server that does not, or that went away in
 * between: one problem, one alert.
 */
function databaseSteps(chosen: HealthSettings): readonly Step[] {
  let isAnswering = false;
  const first: Step = {
    title: FIRST,
    async perform({ database }) {
      const outcome = await checkDatabase(database, chosen.database);
      isAnswering = outcome.status !== 'fail';
      return outcome;
    },
  };
  const others = databaseChecks(chosen).map((check) => ({
    title: check.title,
    async perform(context: StepContext) {
      if (!isAnswering) return skip('the database does not answer', { facts: { inhibitedBy: FIRST } });
      try {
        return await check.look(context.database, chosen, context);
      } catch (error) {
        isAnswering = !isOutOfReach(error);
        throw error;
      }
    },
  }));
  return [first, ...others];
}

function memoryStep({ memory }: HealthSettings): Step {
  return { title: 'memory', perform: (context) => checkMemory(memory, context) };
}

function diskSteps(paths: readonly string[], { disk }: HealthSettings): readonly Step[] {
  return paths.map((path) => ({
    title: `disk ${path}`,
    perform: (context) => checkDisk(path, disk, context),
  }));
}

function httpSteps({ http }: HealthSettings): readonly Step[] {
  return http.map((endpoint) => ({
    title: `http ${endpointName(endpoint)}`,
    perform: ({ signal }) => checkHttp(endpoint, signal),
  }));
}
