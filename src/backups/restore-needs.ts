import type { ArchivedObject } from './archive-header.ts';
import { tableKey } from './table-name.ts';

/** What must be there before an archive can be restored, and what a restore must lead to. */
export interface RestoreNeeds {
  /** Roles that own something, or that a right or a policy names; sorted. */
  readonly roles: readonly string[];
  /** Names of extensions; sorted. */
  readonly extensions: readonly string[];
  /** Where each sequence stood, by its key; undefined where it had not been used. */
  readonly sequences: ReadonlyMap<string, string | undefined>;
}

const NAME = String.raw`(?:"(?:[^"]|"")+"|[^\s",;().]+)`;
/** `GRANT … TO app WITH GRANT OPTION;` and its kin, as pg_dump writes them: one statement, one role, on one line. */
const RIGHT = new RegExp(
  `^(?:GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) .* (?:TO|FROM) (${NAME})(?: WITH GRANT OPTION)?;$`,
  'gm',
);
const GRANTOR = new RegExp(`^(?:SET SESSION AUTHORIZATION|ALTER DEFAULT PRIVILEGES FOR ROLE) (${NAME})`, 'gm');
const POLICY = new RegExp(
  String.raw`^CREATE POLICY ${NAME} ON ${NAME}\.${NAME}(?: AS \w+)?(?: FOR \w+)? TO (${NAME}(?:, ${NAME})*)`,
  'gm',
);
const MAPPING = new RegExp(`^CREATE USER MAPPING FOR (${NAME}) SERVER`, 'gm');
const RIGHTS: ReadonlySet<string> = new Set(['ACL', 'DEFAULT ACL', 'POLICY', 'USER MAPPING']);
const SETVAL = /, (-?\d+), (true|false)\);\s*$/;

/** Reads from the table of contents what a restore needs. */
export function needsOf(objects: readonly ArchivedObject[]): RestoreNeeds {
  const named = objects.filter(({ kind }) => RIGHTS.has(kind)).flatMap(({ definition }) => rolesIn(definition));
  const roles = new Set([...objects.map(({ owner }) => owner), ...named].filter(isOrdinary));
  return {
    roles: [...roles].toSorted(),
    extensions: [...new Set(objects.filter(({ kind }) => kind === 'EXTENSION').map(({ name }) => name))].toSorted(),
    sequences: new Map(
      objects
        .filter(({ kind }) => kind === 'SEQUENCE SET')
        .map(({ schema, name, definition }) => [tableKey(schema, name), lastValue(definition)]),
    ),
  };
}

function rolesIn(definition: string): readonly string[] {
  return [RIGHT, GRANTOR, POLICY, MAPPING]
    .flatMap((pattern) => [...definition.matchAll(pattern)].map(([, names = '']) => names))
    .flatMap((names) => names.match(new RegExp(NAME, 'g')) ?? [])
    .map(unquoted);
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** Not `PUBLIC`, and not a role that every server brings. */
function isOrdinary(role: string): boolean {
  return role !== '' && role !== 'PUBLIC' && !role.startsWith('pg_') && !/^(CURRENT|SESSION)_(USER|ROLE)$/.test(role);
}

function lastValue(definition: string): string | undefined {
  const [, value, isCalled] = SETVAL.exec(definition) ?? [];
  return isCalled === 'true' ? value : undefined;
}
