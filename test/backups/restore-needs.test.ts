import { expect, test } from 'vitest';
import type { ArchivedObject } from '../../src/backups/archive-header.ts';
import { needsOf } from '../../src/backups/restore-needs.ts';

function object(kind: string, definition = '', more: Partial<ArchivedObject> = {}): ArchivedObject {
  return { id: 1, dependencies: [], kind, schema: 'app', name: 'thing', owner: '', definition, ...more };
}

function rolesOf(kind: string, definition: string): readonly string[] {
  return needsOf([object(kind, definition)]).roles;
}

test('owners are needed, each once, sorted', () => {
  const owners = ['zoe', 'Ann "A" Lee', 'zoe', ''];
  expect(needsOf(owners.map((owner) => object('TABLE', 'CREATE TABLE', { owner }))).roles).toEqual([
    'Ann "A" Lee',
    'zoe',
  ]);
});

test.each([
  ['ACL', 'GRANT SELECT ON TABLE app.users TO reader;\n', ['reader']],
  ['ACL', 'GRANT ALL ON SCHEMA app TO "Odd ""Role"" TO; x" WITH GRANT OPTION;\n', ['Odd "Role" TO; x']],
  ['ACL', 'REVOKE ALL ON TABLE app.t FROM owner;\nGRANT SELECT(id) ON TABLE app.t TO PUBLIC;\n', ['owner']],
  [
    'ACL',
    'SET SESSION AUTHORIZATION boss;\nGRANT SELECT ON TABLE t TO a;\nRESET SESSION AUTHORIZATION;\n',
    ['a', 'boss'],
  ],
  ['ACL', 'GRANT SELECT ON TABLE t TO pg_monitor;\n', []],
  [
    'DEFAULT ACL',
    'ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA app GRANT SELECT ON TABLES TO taker;\n',
    ['maker', 'taker'],
  ],
  [
    'POLICY',
    'CREATE POLICY "p TO q" ON app."My Table" AS RESTRICTIVE FOR SELECT TO a, "B b" USING (true);\n',
    ['B b', 'a'],
  ],
  ['POLICY', 'CREATE POLICY p ON app.t USING ((owner = CURRENT_USER));\n', []],
  ['USER MAPPING', 'CREATE USER MAPPING FOR app SERVER far OPTIONS (\n    "user" \'x\'\n);\n', ['app']],
  ['FUNCTION', 'CREATE FUNCTION f() AS $$\nGRANT ALL ON TABLE t TO nobody_at_all;\n$$;\n', []],
])('%s: %s', (kind, definition, roles) => {
  expect(rolesOf(kind, definition)).toEqual(roles);
});

test('extensions and the state of sequences are read from the table of contents', () => {
  const needs = needsOf([
    object('EXTENSION', 'CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA app;\n', { name: 'pgcrypto', schema: '' }),
    object('COMMENT', '', { name: 'EXTENSION pgcrypto' }),
    object('SEQUENCE SET', 'SELECT pg_catalog.setval(\'app."S, 1"\', 9223372036854775807, true);\n', { name: 'S, 1' }),
    object('SEQUENCE SET', "SELECT pg_catalog.setval('app.untouched', 1, false);\n", { name: 'untouched' }),
  ]);
  expect(needs.extensions).toEqual(['pgcrypto']);
  expect([...needs.sequences]).toEqual([
    ['app."S, 1"', '9223372036854775807'],
    ['app.untouched', undefined],
  ]);
});
