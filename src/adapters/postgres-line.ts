import type { Client } from 'pg';
import { cancelling, closeClient, connect, type Connected } from './postgres-connect.ts';
import { translatePostgresError } from './postgres-errors.ts';
import type { ServerFacts, SessionRequest } from './postgres.ts';
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

  async server(): Promise<ServerFacts> {
    return this.#inTurn(async () => (await this.#connected()).facts);
  }

  async once<Row extends object>(statement: Statement<Row>, signal: AbortSignal | undefined): Promise<Answer<Row>> {
    return this.#inTurn(async () => {
      signal?.throwIfAborted();
      const { client } = await this.#connected();
      try {
        return await cancelling({ client, request: this.#request, signal }, () =>
          inTransaction<Row>(client, this.#request, statement),
        );
      } catch (error) {
        await this.#recover(client);
        throw translatePostgresError(error, this.#request.connection, false);
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

  async #connected(): Promise<Connected> {
    this.#open ??= await connect(this.#request, () => {
      this.#open = undefined;
    });
    return this.#open;
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

/** Once a transaction has a snapshot PostgreSQL no longer lets it turn itself from read-only to read-write. */
const SEALED = '; SELECT 1';

async function inTransaction<Row extends object>(
  client: Client,
  { mode, limits }: SessionRequest,
  { text, values }: Statement<Row>,
): Promise<Answer<Row>> {
  await client.query(
    `BEGIN ${mode === 'read-only' ? 'READ ONLY' : 'READ WRITE'};
     SET LOCAL statement_timeout = ${Math.round(limits.statementTimeoutMs)};
     SET LOCAL lock_timeout = ${Math.round(limits.lockTimeoutMs)};
     SET LOCAL idle_in_transaction_session_timeout = '60s'${mode === 'read-only' ? SEALED : ''}`,
  );
  const result = await client.query<Row>(text, [...values]);
  await client.query('COMMIT');
  return { rows: result.rows, count: result.rowCount ?? 0 };
}
