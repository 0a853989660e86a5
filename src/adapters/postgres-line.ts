import type { Client } from 'pg';
import { cancelling, closeClient, connect, servingBackend, type Connected } from './postgres-connect.ts';
import { translatePostgresError } from './postgres-errors.ts';
import type { CommandSettings, ServerFacts, SessionLimits, SessionRequest, Transaction } from './postgres.ts';
import type { Statement } from './sql.ts';

interface Answer<Row> {
  readonly rows: readonly Row[];
  readonly count: number;
}

/** One connection, opened when needed, used by one statement at a time. */
export class PostgresLine {
  readonly #request: SessionRequest;
  #open: Connected | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(request: SessionRequest) {
    this.#request = request;
  }

  async server(limits: SessionLimits): Promise<ServerFacts> {
    return this.#inTurn(async () => (await this.#connected(limits)).facts);
  }

  async once<Row extends object>(
    statement: Statement<Row>,
    limits: SessionLimits,
    signal: AbortSignal | undefined,
  ): Promise<Answer<Row>> {
    return this.#inTransaction(limits, signal, (client) => answer<Row>(client, statement));
  }

  async transaction<T>(
    limits: SessionLimits,
    work: (inside: Transaction) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    return this.#inTransaction(limits, signal, (client) =>
      work({
        rows: async <Row extends object>(statement: Statement<Row>) => (await answer<Row>(client, statement)).rows,
        run: async (statement) => (await answer(client, statement)).count,
      }),
    );
  }

  async #inTransaction<T>(
    limits: SessionLimits,
    signal: AbortSignal | undefined,
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    const request = { ...this.#request, limits };
    return this.#inTurn(async () => {
      signal?.throwIfAborted();
      const { client, facts } = await this.#connected(limits);
      let serving: number | undefined;
      try {
        return await cancelling({ client, request, signal, backend: () => serving }, async () => {
          await client.query(beginning(request));
          if (facts.isPooled && signal !== undefined) serving = await servingBackend(client);
          const value = await work(client);
          await client.query('COMMIT');
          return value;
        });
      } catch (error) {
        await this.#recover(client);
        throw translatePostgresError(error, request.connection, false);
      }
    });
  }

  async command(
    statement: Statement<never>,
    settings: CommandSettings,
    signal: AbortSignal | undefined,
  ): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      signal?.throwIfAborted();
      const { client } = await this.#connected();
      const warnings: string[] = [];
      const listen = ({ severity, message }: { severity?: string | undefined; message?: string | undefined }): void => {
        if (severity === 'WARNING') warnings.push(message ?? '');
      };
      client.on('notice', listen);
      try {
        return await cancelling({ client, request: this.#request, signal }, async () => {
          await client.query(settingsOf(settings));
          const patient = { text: statement.text, query_timeout: settings.statementTimeoutMs + NETWORK_GRACE_MS };
          await client.query(patient);
          return warnings;
        });
      } catch (error) {
        throw translatePostgresError(error, this.#request.connection, false);
      } finally {
        client.off('notice', listen);
        await this.#reset(client);
      }
    });
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) await closeClient(open.client);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Of the limits only the one for connecting: all others hold for one statement, not for as long as the connection. */
  async #connected({ connectTimeoutMs }: SessionLimits = this.#request.limits): Promise<Connected> {
    const limits = { ...this.#request.limits, connectTimeoutMs };
    this.#open ??= await connect({ ...this.#request, limits }, () => {
      this.#open = undefined;
    });
    return this.#open;
  }

  /** What held for one command must not hold for what follows; where that fails the connection is given up. */
  async #reset(client: Client): Promise<void> {
    try {
      await client.query('RESET ALL');
    } catch {
      this.#open = undefined;
      await closeClient(client);
    }
  }

  /** After a failed statement the transaction is rolled back; where even that fails the connection is given up. */
  async #recover(client: Client): Promise<void> {
    try {
      await client.query('ROLLBACK');
    } catch {
      this.#open = undefined;
      await closeClient(client);
    }
  }
}

/** Between the limit that the server keeps and the one that is kept here. */
const NETWORK_GRACE_MS = 10_000;

function settingsOf(settings: CommandSettings): string {
  const milliseconds = {
    statement_timeout: settings.statementTimeoutMs,
    lock_timeout: settings.lockTimeoutMs,
    vacuum_cost_delay: settings.vacuumCostDelayMs,
  };
  return Object.entries(milliseconds)
    .map(([name, value]) => (value === undefined ? '' : `SET ${name} = ${Math.round(value)};`))
    .join(' ');
}

/** Once a transaction has a snapshot PostgreSQL no longer lets it turn itself from read-only to read-write. */
const SEALED = '; SELECT 1';

function beginning({ mode, limits }: SessionRequest): string {
  return `BEGIN ${mode === 'read-only' ? 'READ ONLY' : 'READ WRITE'};
     SET LOCAL statement_timeout = ${Math.round(limits.statementTimeoutMs)};
     SET LOCAL lock_timeout = ${Math.round(limits.lockTimeoutMs)};
     SET LOCAL idle_in_transaction_session_timeout = '60s'${mode === 'read-only' ? SEALED : ''}`;
}

async function answer<Row extends object>(client: Client, { text, values }: Statement<Row>): Promise<Answer<Row>> {
  const result = await client.query<Row>(text, [...values]);
  return { rows: result.rows, count: result.rowCount ?? 0 };
}
