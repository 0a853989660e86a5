import type { Database } from '../adapters/postgres.ts';
import { fragment, sql } from '../adapters/sql.ts';
import { MaintError } from '../base/errors.ts';
import { prepareTables } from './coordination-tables.ts';
import type { Verdict } from './verdict.ts';

/** How long a lease holds without a heartbeat; after that another host may take it over. */
const TTL_SECONDS = 90;

/** Who asks for the lease, and for which scheduled instant. */
export interface LeaseRequest {
  /** A session of its own: a heartbeat must not queue behind a long statement. */
  readonly database: Database;
  /** What is leased: the project. Everything that changes something shares it. */
  readonly name: string;
  /** This host and state directory. The same holder may take its own lease again: its host lock proves the old run dead. */
  readonly holder: string;
  readonly run: string;
  /** Called at most once, when another holder has taken the lease over because our heartbeats did not arrive. */
  readonly onLost: () => void;
  /** How long it holds without a heartbeat; 90 unless a test asks for less. Three heartbeats fit into it. */
  readonly ttlSeconds?: number;
}

/** A lease that is kept alive until it is disposed. */
export interface Lease extends AsyncDisposable {
  /** Grows with each change of hands. It is written with each claim and each result. */
  readonly fence: number;
  /** Asks the database, and counts as a heartbeat: is the lease still ours, or has another holder taken it over? */
  isHeld(): Promise<boolean>;
  /**
   * Claims the slot of a job for all hosts. The same slot can be claimed again until it was finished.
   * @returns false when this slot, or a later one, is already done, and when the lease was lost
   */
  claimSlot(job: string, slot: Date): Promise<boolean>;
  /** Takes back that a slot is done, so that it can be claimed once more. */
  reopenSlot(job: string, slot: Date): Promise<void>;
  /**
   * Writes the result of the slot that this run has claimed, and with it that the slot is done.
   * @returns false when the lease was lost or another run has the slot: what stands there is theirs, and stays
   */
  finishSlot(job: string, result: Verdict): Promise<boolean>;
}

/**
 * Takes the lease that keeps runs on several hosts apart, in the schema `maint` of the database, which is made where it
 * is missing. Each step is one statement in one transaction, so it is right behind a transaction pooler too.
 * @returns undefined when somebody else holds it
 * @throws MaintError PERMISSION_MISSING or READ_ONLY when the role may not make or use the schema, or what the server said
 */
export async function takeLease(request: LeaseRequest): Promise<Lease | undefined> {
  const { database, name, holder, run, ttlSeconds = TTL_SECONDS } = request;
  await prepareTables(database, ['lease.fence', 'slot.fence', 'slot.result'], SCHEMA);
  const [taken] = await database.rows(acquire({ name, holder, run, ttlSeconds }));
  if (taken === undefined) return undefined;
  const { fence } = taken;
  const stop = keepAlive(request, fence);
  const held = { lease: name, fence, run };
  return {
    fence,
    isHeld: async () => (await database.run(heartbeat({ name, fence, ttlSeconds }))) > 0,
    claimSlot: async (job, slot) => (await database.run(claimSlot({ ...held, name: `${name}/${job}` }, slot))) > 0,
    reopenSlot: async (job, slot) => void (await database.run(reopenSlot(`${name}/${job}`, slot))),
    finishSlot: async (job, result) =>
      (await database.run(finishSlot({ ...held, name: `${name}/${job}` }, result))) > 0,
    [Symbol.asyncDispose]: async () => {
      stop();
      await database.run(release(name, fence)).catch(ignoreUnreachable);
    },
  };
}

/** Who holds a lease now, in words; for the message of the one who did not get it, or has lost it. */
export async function leaseHolder(database: Database, name: string): Promise<string> {
  const [row] = await database.rows(selectHolder(name));
  if (row === undefined) return 'nobody';
  return `${row.holder} (fence ${row.fence}), last heard of ${Math.round(row.silentSeconds)} s ago`;
}

/** The newest slot of a job that was claimed. */
export interface ClaimedSlot {
  readonly slot: Date;
  readonly isFinished: boolean;
}

/** The same with whose it is. */
interface LeasedSlot extends ClaimedSlot {
  /** UUID of the run. */
  readonly run: string;
  /** Of the lease that it was claimed under; null where an older maint has claimed it. */
  readonly fence: number | null;
  /** The verdict of the run; null while it is unfinished. */
  readonly result: string | null;
}

/** The newest slot of a job that any host has claimed; undefined where none has. */
export async function claimedSlot(database: Database, lease: string, job: string): Promise<LeasedSlot | undefined> {
  const [row] = await database.rows(selectSlot(`${lease}/${job}`));
  return row;
}

function keepAlive({ database, name, onLost, ttlSeconds = TTL_SECONDS }: LeaseRequest, fence: number): () => void {
  const beat = async (): Promise<void> => {
    const touched = await database.run(heartbeat({ name, fence, ttlSeconds })).catch(ignoreUnreachable);
    if (touched !== 0) return;
    stop();
    onLost();
  };
  const timer = setInterval(() => void beat(), (ttlSeconds * 1_000) / 3);
  timer.unref();
  const stop = (): void => clearInterval(timer);
  return stop;
}

/** A database that cannot be reached now gets no heartbeat; nobody can take the lease over through it either. */
function ignoreUnreachable(error: unknown): undefined {
  if (!(error instanceof MaintError)) throw error;
}

const SCHEMA = [
  sql`CREATE TABLE IF NOT EXISTS maint.lease (
        name         text PRIMARY KEY,
        holder       text NOT NULL,
        run_id       uuid NOT NULL,
        fence        bigint NOT NULL,
        expires_at   timestamptz NOT NULL,
        heartbeat_at timestamptz NOT NULL
      )`,
  sql`CREATE TABLE IF NOT EXISTS maint.slot (
        name        text PRIMARY KEY,
        slot        timestamptz NOT NULL,
        run_id      uuid NOT NULL,
        claimed_at  timestamptz NOT NULL,
        finished_at timestamptz
      )`,
  sql`ALTER TABLE maint.slot ADD COLUMN IF NOT EXISTS fence bigint, ADD COLUMN IF NOT EXISTS result text`,
];

const acquire = ({
  name,
  holder,
  run,
  ttlSeconds,
}: Required<Pick<LeaseRequest, 'name' | 'holder' | 'run' | 'ttlSeconds'>>) => sql<{ fence: number }>`
  INSERT INTO maint.lease AS lease (name, holder, run_id, fence, expires_at, heartbeat_at)
  VALUES (${name}, ${holder}, ${run}, 1, now() + make_interval(secs => ${ttlSeconds}), now())
  ON CONFLICT (name) DO UPDATE
    SET holder = excluded.holder, run_id = excluded.run_id, fence = lease.fence + 1,
        expires_at = excluded.expires_at, heartbeat_at = excluded.heartbeat_at
  WHERE lease.expires_at < now() OR lease.holder = excluded.holder
  RETURNING fence::int AS fence`;

const heartbeat = ({ name, fence, ttlSeconds }: { name: string; fence: number; ttlSeconds: number }) => sql`
  UPDATE maint.lease
     SET expires_at = now() + make_interval(secs => ${ttlSeconds}), heartbeat_at = now()
   WHERE name = ${name} AND fence = ${fence}`;

const release = (name: string, fence: number) => sql`
  UPDATE maint.lease SET expires_at = now() - interval '1 second' WHERE name = ${name} AND fence = ${fence}`;

const selectHolder = (name: string) => sql<{ holder: string; fence: number; silentSeconds: number }>`
  SELECT holder, fence::int AS fence, extract(epoch FROM now() - heartbeat_at)::float8 AS "silentSeconds"
    FROM maint.lease
   WHERE name = ${name}`;

/** A slot of a job, and the lease under which a run lays hands on it. */
interface Held {
  readonly lease: string;
  readonly fence: number;
  readonly run: string;
  /** Of the slot. */
  readonly name: string;
}

/** The lease as long as it is ours. The lock makes whoever takes it over wait until what hangs on it is written. */
const stillHeld = ({ lease, fence }: Held) =>
  fragment`SELECT fence FROM maint.lease WHERE name = ${lease} AND fence = ${fence} FOR SHARE`;

const claimSlot = (held: Held, slot: Date) => sql`
  WITH held AS (${stillHeld(held)})
  INSERT INTO maint.slot AS known (name, slot, run_id, claimed_at, fence)
  SELECT ${held.name}, ${slot}::timestamptz, ${held.run}::uuid, now(), fence FROM held
  ON CONFLICT (name) DO UPDATE
    SET slot = excluded.slot, run_id = excluded.run_id, claimed_at = excluded.claimed_at, fence = excluded.fence,
        finished_at = NULL, result = NULL
  WHERE known.slot < excluded.slot OR (known.slot = excluded.slot AND known.finished_at IS NULL)`;

const finishSlot = (held: Held, result: Verdict) => sql`
  WITH held AS (${stillHeld(held)})
  UPDATE maint.slot AS slot SET finished_at = now(), result = ${result}
    FROM held
   WHERE slot.name = ${held.name} AND slot.run_id = ${held.run} AND slot.fence = held.fence`;

const reopenSlot = (name: string, slot: Date) => sql`
  UPDATE maint.slot SET finished_at = NULL, result = NULL WHERE name = ${name} AND slot = ${slot}`;

const selectSlot = (name: string) => sql<LeasedSlot>`
  SELECT slot, finished_at IS NOT NULL AS "isFinished", run_id AS run, fence::int AS fence, result
    FROM maint.slot WHERE name = ${name}`;
