import { expect, test } from 'vitest';
import { diffSchemas, parseSchema } from '../../src/backups/schema-diff.ts';

const entry = (name: string, type: string, body: string): string =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: app; Owner: maint\n--\n\n${body}\n\n\n`;

const HEAD = `--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n\n`;
const USERS = entry('users', 'TABLE', 'CREATE TABLE app.users (\n    id integer\n);');

function diff(expected: string, found: string): readonly string[] {
  return diffSchemas(parseSchema(expected), parseSchema(found)).map(({ what, how }) => `${what} ${how}`);
}

test('comments, settings and the restriction key are no differences', () => {
  const other = HEAD.replace('abc', 'xyz').replace('statement_timeout = 0', 'statement_timeout = 5');
  expect(diff(HEAD + USERS, other + USERS)).toEqual([]);
});

test('each definition that is missing, changed or too many is named', () => {
  const view = entry('v', 'VIEW', 'CREATE VIEW app.v AS SELECT 1;');
  const index = entry('i', 'INDEX', 'CREATE INDEX i ON app.users (id);');
  expect(diff(HEAD + USERS + view, HEAD + USERS.replace('integer', 'bigint') + index)).toEqual([
    'TABLE app.users changed',
    'VIEW app.v missing',
    'INDEX app.i unexpected',
  ]);
});

test('the order of rights is nobody’s concern, their content is', () => {
  const rights = (...lines: readonly string[]): string => entry('TABLE users', 'ACL', lines.join('\n'));
  const [a, b] = ['GRANT SELECT ON TABLE app.users TO a;', 'GRANT SELECT ON TABLE app.users TO b;'];
  expect(diff(rights(a, b), rights(b, a))).toEqual([]);
  expect(diff(rights(a, b), rights(a))).toEqual(['ACL app.TABLE users changed']);
});

test('large objects and refreshed views are data, not definitions', () => {
  const blob = entry('1234', 'BLOB', `SELECT pg_catalog.lo_create('1234');`);
  expect(diff(USERS + blob + entry('m', 'MATERIALIZED VIEW DATA', 'REFRESH …'), USERS)).toEqual([]);
});

test('two definitions of one name are both compared', () => {
  const one = entry('f(integer)', 'FUNCTION', 'CREATE FUNCTION 1');
  expect(diff(one + one.replace('FUNCTION 1', 'FUNCTION 2'), one + one)).toEqual(['FUNCTION app.f(integer) changed']);
});
