import { MaintError } from '../base/errors.ts';
import { suggest } from '../base/suggest.ts';
import type { ArchiveHead } from './restore-head.ts';
import type { Manifest } from './manifest.ts';
import { partOf, type Part } from './restore-part.ts';
import { tableKey } from './table-name.ts';

/** Which part of a backup a person wants, as it was typed; both empty for the whole. */
export interface Choice {
  readonly tables: readonly string[];
  readonly schemas: readonly string[];
}

/** Longer lists are no help. */
const SHOWN_NAMES = 8;

/**
 * Finds what a person named.
 * @returns undefined where the whole is wanted
 * @throws MaintError USAGE where a name is unknown or stands for several tables, FILE_UNUSABLE where the archive can be
 *   restored as a whole only
 */
export function choosePart(choice: Choice, manifest: Manifest, head: ArchiveHead | undefined): Part | undefined {
  if (choice.tables.length + choice.schemas.length === 0) return undefined;
  if (head === undefined)
    throw new MaintError('FILE_UNUSABLE', `the list of what backup ${manifest.id} holds cannot be read`, {
      hint: 'Restore all of it; --table and --schema need the list.',
    });
  const known = knownTables(manifest, head);
  const schemas = new Set(choice.schemas.map((typed) => findSchema(typed, head)));
  const named = [
    ...choice.tables.map((typed) => findTable(typed, known)),
    ...[...known].flatMap(([key, { schema }]) => (schemas.has(schema) ? [key] : [])),
  ];
  return partOf(head.header.objects, { tables: withPartitions(named, manifest, head), schemas });
}

interface Name {
  readonly schema: string;
  readonly name: string;
}

/** Every table that rows can be asked of, by its key: those of the archive, and the roots of partitions. */
function knownTables({ tables }: Manifest, { header }: ArchiveHead): ReadonlyMap<string, Name> {
  const keys = new Set([
    ...Object.keys(tables),
    ...Object.values(tables).flatMap(({ partitionOf }) => partitionOf ?? []),
  ]);
  const relations = header.objects.filter(({ kind }) => kind === 'TABLE' || kind === 'TABLE DATA');
  const named = relations.map(({ schema, name }) => [tableKey(schema, name), { schema, name }] as const);
  return new Map(named.filter(([key]) => keys.has(key)));
}

/** A partitioned table has its rows in its partitions, whose load may go through it. */
function withPartitions(named: readonly string[], { tables }: Manifest, { header }: ArchiveHead): ReadonlySet<string> {
  const entries = Object.entries(tables);
  const all = new Set(named);
  for (const [key, { loadedInto }] of entries) if (all.has(key) && loadedInto !== undefined) all.add(loadedInto);
  for (const [key, { partitionOf }] of entries) if (partitionOf !== undefined && all.has(partitionOf)) all.add(key);
  const byId = new Map(header.objects.map((object) => [object.id, object]));
  const joints = header.objects.filter(({ kind }) => kind === 'TABLE ATTACH');
  for (let before = -1; before !== all.size;) {
    before = all.size;
    for (const joint of joints) {
      const child = tableKey(joint.schema, joint.name);
      const parents = joint.dependencies
        .flatMap((id) => byId.get(id) ?? [])
        .map(({ schema, name }) => tableKey(schema, name))
        .filter((key) => key !== child);
      if (parents.some((key) => all.has(key))) all.add(child);
    }
  }
  return all;
}

/** As the manifest writes it, or as it is without any quotes, with or without its schema. */
function findTable(typed: string, known: ReadonlyMap<string, Name>): string {
  if (known.has(typed)) return typed;
  const fitting = [...known].filter(
    ([key, { schema, name }]) =>
      `${schema}.${name}` === typed || name === typed || key === `${tableKey(schema, 'x').slice(0, -1)}${typed}`,
  );
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only[0];
  if (only !== undefined)
    throw new MaintError('USAGE', `${typed} stands for ${fitting.map(([key]) => key).join(' and ')}`, {
      hint: `Name its schema too, as in --table ${only[0]}.`,
      detail: 'restore.table_ambiguous',
    });
  throw unknown('table', typed, [...known.keys()]);
}

function findSchema(typed: string, { header }: ArchiveHead): string {
  const schemas = header.objects.map(({ kind, schema, name }) => (kind === 'SCHEMA' ? name : schema));
  const known = [...new Set(schemas)].filter((name) => name !== '').toSorted();
  if (known.includes(typed)) return typed;
  throw unknown('schema', typed, known);
}

function unknown(what: 'table' | 'schema', typed: string, known: readonly string[]): MaintError {
  const near = closest(typed, known);
  const listed = known.slice(0, SHOWN_NAMES).join(', ');
  const more = known.length > SHOWN_NAMES ? `, and ${known.length - SHOWN_NAMES} more` : '';
  return new MaintError('USAGE', `the backup has no ${what} ${typed}`, {
    hint: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `It has ${listed}${more}.`,
    detail: `restore.${what}_unknown`,
  });
}

/** The name that is nearly the typed one; else those that are without their schema. */
function closest(typed: string, known: readonly string[]): readonly string[] {
  const nearest = suggest(typed, known);
  if (nearest !== undefined) return [nearest];
  const bare = (key: string): string => key.slice(key.indexOf('.') + 1);
  const name = suggest(bare(typed), known.map(bare));
  return known.filter((key) => name !== undefined && bare(key) === name);
}
