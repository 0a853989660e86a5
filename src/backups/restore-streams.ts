import type { ArchivedObject } from './archive-header.ts';
import type { Manifest } from './manifest.ts';
import { tableKey } from './table-name.ts';

/** Each stream decompresses the whole dump, so more of them soon cost more than they bring. */
const MOST_STREAMS = 4;
/** With less to load beside the rest a stream is not worth its decompressing. */
const WORTH_BYTES = 32 * 2 ** 20;

/** What is known of a dump whose rows may come in several streams. */
interface Loading {
  readonly objects: readonly ArchivedObject[];
  readonly tables: Manifest['tables'];
  /** How many may run at the same time. */
  readonly jobs: number;
}

/**
 * Divides what a dump loads among streams of about the same length. The first one gets everything that is not told apart by
 * its size: small tables, sequences, large objects.
 * @returns the ids for each stream, in the order of the archive, which is all a stream can give; one stream where the sizes
 *   are not known, or more would not be worth it
 */
export function divideLoad({ objects, tables, jobs }: Loading): readonly (readonly number[])[] {
  const bytesOf = ({ kind, schema, name }: ArchivedObject): number =>
    kind === 'TABLE DATA' ? (tables[tableKey(schema, name)]?.bytes ?? 0) : 0;
  const large = objects.filter((object) => bytesOf(object) > 0).toSorted((a, b) => bytesOf(b) - bytesOf(a));
  const streams = Array.from({ length: Math.min(jobs, MOST_STREAMS) }, () => ({ bytes: 0, ids: new Set<number>() }));
  for (const object of large) {
    const shortest = streams.reduce((best, one) => (one.bytes < best.bytes ? one : best));
    shortest.bytes += bytesOf(object);
    shortest.ids.add(object.id);
  }
  const elsewhere = streams
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(1)
    .filter(({ bytes }) => bytes >= WORTH_BYTES);
  const taken = new Set(elsewhere.flatMap(({ ids }) => [...ids]));
  return [
    objects.filter(({ id }) => !taken.has(id)).map(({ id }) => id),
    ...elsewhere.map(({ ids }) => objects.filter(({ id }) => ids.has(id)).map(({ id }) => id)),
  ];
}
