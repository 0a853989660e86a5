import { createHash } from 'node:crypto';
import { feed, type Pipeline } from '../adapters/pipeline.ts';
import { damageOf, type Opening } from './opening.ts';

/** A stored dump on its way into programs. */
export interface DumpFeed {
  /** Reads the stored dump from front to back. */
  readonly read: () => AsyncIterable<Buffer>;
  readonly opening: Opening;
  /** Told the stored bytes read so far. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Feeds a dump to programs.
 * @returns the hash of the whole stored file, also where decompressing ended early, and what is wrong with it
 * @throws MaintError as `Store.read`
 */
export async function feedDump(
  { read, opening, onBytes }: DumpFeed,
  { input }: Pipeline,
): Promise<{ readonly sha256: string; readonly damage?: string }> {
  if (input === undefined) throw new Error('the pipeline has no input');
  const hash = createHash('sha256');
  let bytes = 0;
  const pieces = read()[Symbol.asyncIterator]();
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
      hash.update(next.value);
      yield next.value;
      onBytes((bytes += next.value.length));
    }
  };
  try {
    await feed(input, opening.through(hashed()));
    return { sha256: hash.digest('hex') };
  } catch (error) {
    const damage = damageOf(error);
    if (damage === undefined) throw error;
    input.destroy();
    for (let rest = await pieces.next(); rest.done !== true; rest = await pieces.next()) hash.update(rest.value);
    return { sha256: hash.digest('hex'), damage };
  }
}
