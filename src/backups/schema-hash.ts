import { createHash } from 'node:crypto';
import type { ArchivedObject } from './archive-header.ts';

/** Entries of an archive that say how it is to be read, belong to the database as a whole, or are data. */
const NO_SCHEMA = new Set([
  'ENCODING',
  'STDSTRINGS',
  'SEARCHPATH',
  'DATABASE',
  'DATABASE PROPERTIES',
  'SEQUENCE SET',
  'BLOB',
  'BLOBS',
  'BLOB METADATA',
  'LARGE OBJECT',
]);

/**
 * One SHA-256 over everything that an archive would make, owners and rights included: the same as long as nobody changes
 * the schema, whatever becomes of the rows.
 * @returns in hex
 */
export function schemaSha256(objects: readonly ArchivedObject[]): string {
  const lines = objects
    .filter(({ kind, name, definition }) => definition !== '' && !NO_SCHEMA.has(kind) && !/^LARGE OBJECTS? /.test(name))
    .map(({ kind, schema, name, owner, definition }) => JSON.stringify([kind, schema, name, owner, definition]));
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex');
}
