import { tmpdir } from 'node:os';
import { Client } from 'pg';
import { startCluster } from '../../src/adapters/cluster.ts';
import { parseConnection } from '../../src/adapters/connection.ts';
import { findServerPrograms } from '../../src/adapters/server-programs.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Queries } from '../support/hotmesh.ts';

/** A throw-away server on which the same beginning can be had again and again. */
export interface Rounds extends AsyncDisposable {
  /** Makes a beginning. */
  fill(name: string): Promise<Queries>;
  /** A fresh copy of a beginning, in place of the copy before. */
  fresh(name: string): Promise<Queries>;
  /** Address of the copy. */
  readonly url: string;
}

/** Starts the server. */
export async function startRounds(): Promise<Rounds> {
  const [programs] = await findServerPrograms(process.env['PATH']);
  if (programs === undefined)
    throw new Error('no PostgreSQL server programs were found; install the package postgresql');
  const cluster = await startCluster({ ...programs, parentDirectory: tmpdir(), uid: process.getuid?.() });
  const admin = queriesOf(cluster.url('postgres'));
  const url = cluster.url('round');
  return {
    url,
    fill: async (name) => {
      await admin.query(`CREATE DATABASE filled_${name}`);
      return queriesOf(cluster.url(`filled_${name}`));
    },
    fresh: async (name) => {
      await admin.query('DROP DATABASE IF EXISTS round WITH (FORCE)');
      await admin.query(`CREATE DATABASE round TEMPLATE filled_${name}`);
      return queriesOf(url);
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

function queriesOf(url: string): Queries {
  const { host, port, user, database } = parseConnection(new Secret(url));
  return {
    query: async (text, values = []) => {
      const client = new Client({ host, port, user, database });
      await client.connect();
      try {
        return (await client.query(text, [...values])).rows;
      } finally {
        await client.end();
      }
    },
  };
}

/** Whether two states are the same, as JSON tells. */
export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
