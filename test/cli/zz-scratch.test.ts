import { expect, vi } from 'vitest';
import { mkdtempSync, readFileSync } from 'node:fs';
import { doctorCommand } from '../../src/cli/doctor.ts';
import { initCommand } from '../../src/cli/init.ts';
import { makeWorld } from '../support/world.ts';
import { test } from '../support/database.ts';
const common = { config: undefined, state: undefined, verbose: false, color: true };
test('x', async ({ database }) => {
  await database.query('create table a(id int); create table b(id serial)');
  const cwd = mkdtempSync('/tmp/docx/a-');
  const world = makeWorld({ cwd, env: { DATABASE_URL: database.url } });
  console.log(await doctorCommand({ format: 'text', common }, world), world.out());
  const w2 = makeWorld({ cwd, env: { DATABASE_URL: database.url } });
  console.log(await initCommand({ output: undefined, force: false, common }, w2), w2.out(), readFileSync(cwd + '/maint.yaml', 'utf8'));
  const w3 = makeWorld({ cwd, env: { DATABASE_URL: database.url } });
  console.log(await doctorCommand({ format: 'text', common }, w3), w3.out());
});
