import { readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram, whichProgram } from './programs.ts';

/** Where the server programs of one major version are. */
export interface ServerPrograms {
  readonly binDirectory: string;
  readonly major: number;
}

/**
 * Looks for server programs (`initdb`, `postgres`) on this machine.
 * @param searchPath the PATH of the environment
 * @returns newest version first; empty where none is installed
 */
export async function findServerPrograms(searchPath: string | undefined): Promise<readonly ServerPrograms[]> {
  const root = '/usr/lib/postgresql';
  const versions = await readdir(root).catch(() => []);
  const onPath = await whichProgram('initdb', searchPath);
  const directories = [
    ...versions.map((version) => join(root, version, 'bin')),
    ...(onPath === undefined ? [] : [dirname(await realpath(onPath))]),
  ];
  const found = await Promise.all([...new Set(directories)].map(inspect));
  return found.filter((programs) => programs !== undefined).toSorted((a, b) => b.major - a.major);
}

async function inspect(binDirectory: string): Promise<ServerPrograms | undefined> {
  const output = await runProgram({ file: join(binDirectory, 'initdb'), args: ['--version'], timeoutMs: 10_000 }).catch(
    () => undefined,
  );
  const major = /\(PostgreSQL\) (\d+)/.exec(output?.stdout ?? '')?.[1];
  return major === undefined ? undefined : { binDirectory, major: Number(major) };
}
