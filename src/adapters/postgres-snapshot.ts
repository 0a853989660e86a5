import { MaintError } from '../base/errors.ts';
import { cancelling, closeClient, connect, servingBackend } from './postgres-connect.ts';
import { translatePostgresError } from './postgres-errors.ts';
import type { SessionRequest, Snapshot } from './postgres.ts';
import { sql, type Statement } from './sql.ts';

/** Opens a session of its own for one exported snapshot. @throws MaintError when the server cannot be reached or refuses */
export async function openSnapshot(request: SessionRequest, signal: AbortSignal | undefined): Promise<Snapshot> {
  const { client, facts } = await connect({ ...request, mode: 'read-only' }, () => undefined);
  let serving: number | undefined;
  const query = async <Row extends object>({ text, values }: Statement<Row>): Promise<readonly Row[]> => {
    try {
      return await cancelling(
        { client, request, signal, backend: () => serving },
        async () => (await client.query<Row>(text, [...values])).rows,
      );
    } catch (error) {
      throw translatePostgresError(error, request.connection, false);
    }
  };
  const close = (): Promise<void> => closeClient(client);
  try {
    await query({
      // The transaction stays open for as long as the dump runs, so it must not be ended for being idle.
      text: `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
             SET LOCAL statement_timeout = ${Math.round(request.limits.statementTimeoutMs)};
             SET LOCAL lock_timeout = ${Math.round(request.limits.lockTimeoutMs)};
             SET LOCAL idle_in_transaction_session_timeout = 0`,
      values: [],
    });
    if (facts.isPooled) serving = await servingBackend(client);
    const [exported] = await query(sql<{ id: string }>`SELECT pg_export_snapshot() AS id`);
    if (exported === undefined) throw new MaintError('STATEMENT_FAILED', 'pg_export_snapshot() returned no row');
    return { id: exported.id, rows: query, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
