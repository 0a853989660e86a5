import type { Database, Reader, Transaction } from '../adapters/postgres.ts';
import { fragment, sql, type Fragment } from '../adapters/sql.ts';
import { wait } from '../adapters/wait.ts';
import { MaintError } from '../base/errors.ts';
import type { OldPartition, Partitions } from './partitions.ts';
import { otherTable } from './still-there.ts';

/** Takes one partition away. */
export interface Leaving {
  readonly database: Database;
  readonly partitions: Pick<Partitions, 'mode' | 'mark'>;
  readonly partition: OldPartition;
  readonly lockTimeoutMs: number;
  readonly signal: AbortSignal;
}

const STATEMENT_TIMEOUT_MS = 60_000;
/** A lock that is not to be had in time is asked for so often, with a rest in between that lets others pass. */
const TRIES = 4;
const REST_MS = 500;

/**
 * Detaches a partition and, where the rule says so, drops it. One that can leave concurrently is marked before, so that what
 * a killed run began is finished by the next; any other leaves and goes in one transaction.
 * @returns false where the locks were not to be had: the next run goes on from where it stands
 * @throws MaintError what the server says against it
 */
export async function takePartition(leaving: Leaving): Promise<boolean> {
  const { partition, partitions } = leaving;
  const { table, parent, state } = partition;
  if (state === 'attached' && !partition.isConcurrent)
    return inTries(leaving, async (inside) => {
      await inside.run(sql`ALTER TABLE ${parent} DETACH PARTITION ${table}`);
      await requireSame(inside, partition);
      if (partitions.mode === 'drop') await inside.run(sql`DROP TABLE ${table}`);
    });
  if (state === 'attached' && !(await leave(leaving))) return false;
  if (state === 'leaving' && !(await finish(leaving))) return false;
  return inTries(leaving, async (inside) => {
    if (partitions.mode === 'drop' && state !== 'kept') {
      await inside.run(sql`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
      await requireSame(inside, partition);
      await inside.run(sql`DROP TABLE ${table}`);
    } else await comment(inside, leaving, FORMER);
  });
}

/** The comment that was there before the mark. */
const FORMER = fragment`substr(was, strpos(was, chr(10)) + 1)`;

async function leave(leaving: Leaving): Promise<boolean> {
  const { database, partition, partitions, lockTimeoutMs, signal } = leaving;
  const mark = `${partitions.mark}\n`;
  const marked = fragment`${mark} || CASE WHEN starts_with(was, ${mark}) THEN ${FORMER} ELSE was END`;
  if (!(await inTries(leaving, (inside) => comment(inside, leaving, marked)))) return false;
  await requireSame(database, partition);
  const detach = sql`ALTER TABLE ${partition.parent} DETACH PARTITION ${partition.table} CONCURRENTLY`;
  for (let turn = 1; turn <= TRIES && !signal.aborted; turn += 1) {
    try {
      await database.command(detach, { statementTimeoutMs: STATEMENT_TIMEOUT_MS, lockTimeoutMs });
      return true;
    } catch (error) {
      if (!isImpatient(error)) throw error;
    }
    // Whoever comes sees it no more; it only waits for those who were there before.
    const [row] = await database.rows(isLeaving(partition.oid));
    if (row?.isLeaving === true) return finish(leaving);
    await wait(REST_MS, signal);
  }
  return false;
}

/**
 * Statements go by the name, and partitions that take turns are given each other's. Behind a lock on the table it stays.
 * @throws MaintError STATEMENT_FAILED where the name means another table than the one that was found to be old
 */
async function requireSame(database: Pick<Reader, 'rows'>, { oid, name }: OldPartition): Promise<void> {
  const [row] = await database.rows(sql<{ name: string }>`
    SELECT n.nspname || '.' || c.relname AS name
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = ${oid}::oid`);
  if (row?.name !== name) throw otherTable(name);
}

async function finish(leaving: Leaving): Promise<boolean> {
  const { parent, table } = leaving.partition;
  return inTries(
    leaving,
    async (inside) => void (await inside.run(sql`ALTER TABLE ${parent} DETACH PARTITION ${table} FINALIZE`)),
  );
}

async function inTries(
  { database, lockTimeoutMs, signal }: Leaving,
  work: (inside: Transaction) => Promise<void>,
): Promise<boolean> {
  for (let turn = 1; turn <= TRIES && !signal.aborted; turn += 1) {
    try {
      await database.transaction({ lockTimeoutMs, statementTimeoutMs: STATEMENT_TIMEOUT_MS }, work);
      return true;
    } catch (error) {
      if (!isImpatient(error)) throw error;
    }
    await wait(REST_MS, signal);
  }
  return false;
}

function isImpatient(error: unknown): boolean {
  return error instanceof MaintError && (error.code === 'LOCK_TIMED_OUT' || error.code === 'STATEMENT_TIMED_OUT');
}

/** COMMENT takes no parameters: its text is handed over in settings of the transaction. */
async function comment(inside: Transaction, { partition: { oid } }: Leaving, text: Fragment): Promise<void> {
  await inside.rows(sql<object>`
    SELECT set_config('maint.table', format('%I.%I', n.nspname, c.relname), true), set_config('maint.comment', ${text}, true)
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL (SELECT coalesce(obj_description(c.oid, 'pg_class'), '') AS was) held
     WHERE c.oid = ${oid}::oid`);
  await inside.run(WRITE_COMMENT);
}

const WRITE_COMMENT = sql`DO $$ BEGIN
  EXECUTE format('COMMENT ON TABLE %s IS %L', current_setting('maint.table'), nullif(current_setting('maint.comment'), ''));
END $$`;

const isLeaving = (oid: string) => sql<{ isLeaving: boolean }>`
  SELECT coalesce((to_jsonb(i) ->> 'inhdetachpending')::boolean, false) AS "isLeaving"
    FROM pg_inherits i WHERE inhrelid = ${oid}::oid`;
