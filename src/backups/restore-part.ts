import type { ArchivedObject } from './archive-header.ts';
import { tableKey } from './table-name.ts';

/** A part of an archive that can be restored on its own. */
export interface Part {
  /** In the order of the archive: what a stream can give. */
  readonly objects: readonly ArchivedObject[];
  /** Keys of the tables whose rows come back; sorted. */
  readonly tables: readonly string[];
  /** Keys of tables that come back without rows, because something needs that they are there; sorted. */
  readonly empty: readonly string[];
  /** What belongs to the tables and stays away, one line each. */
  readonly leftOut: readonly string[];
}

/** What the part is made for. */
interface Wanted {
  /** Keys of tables; those of partitions too. */
  readonly tables: ReadonlySet<string>;
  /** Schemas of which everything is wanted. */
  readonly schemas: ReadonlySet<string>;
}

/** They hang on the relation that their name begins with, and need whatever they depend on. */
const NAMED_AFTER: ReadonlySet<string> = new Set([
  'DEFAULT',
  'CONSTRAINT',
  'CHECK CONSTRAINT',
  'FK CONSTRAINT',
  'TRIGGER',
  'RULE',
  'POLICY',
]);
/** They hang on the one relation that they depend on. */
const HANGING: ReadonlySet<string> = new Set(['INDEX', 'STATISTICS', 'SEQUENCE']);
/** They come along once everything that they depend on is there, and bring nothing with them. */
const FOLLOWING: ReadonlySet<string> = new Set([
  'ACL',
  'COMMENT',
  'SECURITY LABEL',
  'TABLE DATA',
  'MATERIALIZED VIEW DATA',
  'SEQUENCE OWNED BY',
  'SEQUENCE SET',
  'ROW SECURITY',
  'STATISTICS DATA',
  'TABLE ATTACH',
  'INDEX ATTACH',
]);
const RELATIONS: ReadonlySet<string> = new Set(['TABLE', 'VIEW', 'MATERIALIZED VIEW', 'FOREIGN TABLE']);
const NEVER: ReadonlySet<string> = new Set(['PUBLICATION TABLE', 'PUBLICATION TABLES IN SCHEMA', 'DATABASE']);
/** The parts of a partitioned index, whose parents belong to another table. */
const INDEXES: ReadonlySet<string> = new Set(['INDEX', 'CONSTRAINT']);

/**
 * Takes from the table of contents what some tables need and what belongs to them. A foreign key stays away where the
 * rows that it points to do.
 */
export function partOf(objects: readonly ArchivedObject[], wanted: Wanted): Part {
  const part = new Picking(objects, wanted);
  part.pick();
  const picked = objects.filter(({ id }) => part.included.has(id));
  const tables = new Set(picked.filter(({ kind }) => kind === 'TABLE DATA').map(keyOf));
  return {
    objects: picked,
    tables: [...tables].toSorted(),
    empty: picked
      .filter(({ kind }) => kind === 'TABLE')
      .map(keyOf)
      .filter((key) => !wanted.tables.has(key))
      .toSorted(),
    leftOut: part.leftOut(),
  };
}

class Picking {
  readonly included = new Set<number>();
  readonly #objects: readonly ArchivedObject[];
  readonly #wanted: Wanted;
  readonly #byId: ReadonlyMap<number, ArchivedObject>;
  /** Partitions are whole without the table above them, where the archive joins the two in an entry of its own. */
  readonly #attached: ReadonlySet<string>;

  constructor(objects: readonly ArchivedObject[], wanted: Wanted) {
    this.#objects = objects;
    this.#wanted = wanted;
    this.#byId = new Map(objects.map((object) => [object.id, object]));
    this.#attached = new Set(objects.filter(({ kind }) => kind === 'TABLE ATTACH').map(keyOf));
  }

  pick(): void {
    for (const object of this.#objects) if (this.#isSeed(object)) this.#take(object);
    for (let before = -1; before !== this.included.size;) {
      before = this.included.size;
      for (const object of this.#objects)
        if (!this.included.has(object.id) && this.#comesAlong(object)) this.#take(object);
    }
  }

  /** What belongs to the wanted tables and did not come along. */
  leftOut(): readonly string[] {
    const missing = this.#objects.filter(({ id }) => !this.included.has(id));
    const lines = missing.flatMap((object) => {
      if (object.kind !== 'FK CONSTRAINT' && object.kind !== 'TABLE ATTACH') return [];
      const owner = object.kind === 'TABLE ATTACH' ? keyOf(object) : this.#ownerKey(object);
      if (owner === undefined || !this.#wanted.tables.has(owner)) return [];
      const others = this.#tablesOf(object).filter((key) => !this.#wanted.tables.has(key));
      if (object.kind === 'TABLE ATTACH')
        return [`${owner} stands alone: ${others.join(', ')}, of which it is a partition, is not restored`];
      const name = object.name.slice(this.#owner(object)?.name.length ?? 0).trim();
      return [`the foreign key ${name} of ${owner}: ${others.join(', ')} is not restored`];
    });
    const hasLargeObjects = missing.some(({ kind }) => kind.startsWith('BLOB'));
    return [...lines, ...(hasLargeObjects ? ['large objects: they belong to no table'] : [])];
  }

  #isSeed(object: ArchivedObject): boolean {
    const { kind, schema, name } = object;
    if (NEVER.has(kind) || NAMED_AFTER.has(kind) || FOLLOWING.has(kind)) return this.#isOwnedByExtension(object);
    if (kind === 'TABLE') return this.#wanted.tables.has(keyOf(object));
    return this.#wanted.schemas.has(kind === 'SCHEMA' ? name : schema) && !HANGING.has(kind);
  }

  /** Rows of a table that an extension makes: there is no entry for the table itself. */
  #isOwnedByExtension(object: ArchivedObject): boolean {
    return (
      object.kind === 'TABLE DATA' && this.#wanted.tables.has(keyOf(object)) && this.#tablesOf(object).length === 0
    );
  }

  /** Takes an object, and whatever has to be there before it. */
  #take(object: ArchivedObject): void {
    if (this.included.has(object.id)) return;
    this.included.add(object.id);
    for (const needed of this.#dependenciesOf(object)) {
      if (FOLLOWING.has(needed.kind) || NEVER.has(needed.kind)) continue;
      if (INDEXES.has(object.kind) && INDEXES.has(needed.kind)) continue;
      const isParent = object.kind === 'TABLE' && needed.kind === 'TABLE' && this.#attached.has(keyOf(object));
      if (!isParent) this.#take(needed);
    }
  }

  #comesAlong(object: ArchivedObject): boolean {
    if (FOLLOWING.has(object.kind)) return this.#isComplete(object);
    if (object.kind === 'FK CONSTRAINT') return this.#tablesOf(object).every((key) => this.#wanted.tables.has(key));
    if (!NAMED_AFTER.has(object.kind) && !HANGING.has(object.kind)) return false;
    const owner = this.#owner(object);
    if (owner === undefined) return object.kind === 'SEQUENCE' && this.#wanted.schemas.has(object.schema);
    return owner.kind === 'TABLE' ? this.#wanted.tables.has(keyOf(owner)) : this.included.has(owner.id);
  }

  #isComplete(object: ArchivedObject): boolean {
    const needed = this.#dependenciesOf(object);
    return (
      needed.length > 0 &&
      needed.every(({ id }) => this.included.has(id)) &&
      this.#tablesOf(object).every((key) => this.#wanted.tables.has(key))
    );
  }

  #dependenciesOf({ dependencies }: ArchivedObject): readonly ArchivedObject[] {
    return dependencies.flatMap((id) => this.#byId.get(id) ?? []);
  }

  #tablesOf(object: ArchivedObject): readonly string[] {
    const tables = this.#dependenciesOf(object).filter(({ kind }) => kind === 'TABLE');
    return [...new Set(tables.map(keyOf))];
  }

  /** The relation that it belongs to. A name may begin with another's: the longest counts. */
  #owner(object: ArchivedObject): ArchivedObject | undefined {
    const relations = this.#dependenciesOf(object).filter(({ kind }) => RELATIONS.has(kind));
    if (HANGING.has(object.kind)) return relations[0];
    return relations
      .filter(({ schema, name }) => schema === object.schema && object.name.startsWith(`${name} `))
      .toSorted((a, b) => b.name.length - a.name.length)[0];
  }

  #ownerKey(object: ArchivedObject): string | undefined {
    const owner = this.#owner(object);
    return owner === undefined ? undefined : keyOf(owner);
  }
}

function keyOf({ schema, name }: ArchivedObject): string {
  return tableKey(schema, name);
}
