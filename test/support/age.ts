import { spawnSync } from 'node:child_process';
import type { KeyPair } from '../../src/adapters/age-keys.ts';
import { Secret } from '../../src/base/secret.ts';
import { whichProgram } from '../../src/adapters/programs.ts';

/** Where the program age lies; undefined where it is not installed. */
export const agePath = await whichProgram('age', process.env['PATH']);

/** Runs the program age. @returns what it wrote to stdout */
export function ageProgram(args: readonly string[], input: Buffer): Buffer {
  if (agePath === undefined) throw new Error('age is not installed');
  const { stdout, stderr, status } = spawnSync(agePath, args, { input, maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`age ended with ${status}: ${stderr.toString()}`);
  return stdout;
}

/** An identity file as age-keygen writes it, of several keys. */
export function keyFile(...keys: readonly KeyPair[]): Secret {
  const blocks = keys.map(
    ({ identity, recipient }) => `# created: 2026-01-01T00:00:00Z\n# public key: ${recipient}\n${identity.reveal()}\n`,
  );
  return new Secret(blocks.join('\n'));
}
