import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { clientPrograms, pick } from '../../src/adapters/client-programs.ts';
import { test } from '../support/state.ts';

const program = (major: number) => ({
  path: `/usr/lib/postgresql/${major}/bin/pg_dump`,
  major,
  version: `pg_dump ${major}`,
});

describe('the client program for a server', () => {
  test('is the one of the same major version, for a newer one writes what an older server refuses', () => {
    expect(pick('pg_dump', [program(18), program(15), program(17)], 15).major).toBe(15);
  });

  test('is the next newer one where the same version is missing', () => {
    expect(pick('pg_dump', [program(18), program(17), program(13)], 15).major).toBe(17);
  });

  test('is refused when all are older, naming both versions and the package', () => {
    expect(() => pick('pg_dump', [program(13), program(15)], 18)).toThrow(
      expect.objectContaining({
        code: 'PROGRAM_TOO_OLD',
        message: 'pg_dump is version 15, the server is version 18',
        hint: expect.stringContaining('postgresql-client-18'),
        detail: 'preflight.pg_dump_too_old',
      }),
    );
  });

  test('is said to be missing where there is none', () => {
    expect(() => pick('pg_dump', [], 18)).toThrow(expect.objectContaining({ code: 'PROGRAM_MISSING' }));
  });

  test('is found in a configured directory, asked for its version, and a broken one is passed over', async ({
    folder,
  }) => {
    writeFileSync(join(folder, 'pg_dump'), '#!/bin/sh\necho "pg_dump (PostgreSQL) 99.1"\n');
    writeFileSync(join(folder, 'psql'), '#!/bin/sh\nexit 1\n');
    for (const name of ['pg_dump', 'psql']) chmodSync(join(folder, name), 0o755);
    const clients = clientPrograms([folder], '/nonexistent', {});
    expect(await clients.find('pg_dump', 99)).toMatchObject({ path: join(folder, 'pg_dump'), major: 99 });
    await expect(clients.find('psql', 99)).rejects.toMatchObject({
      code: expect.stringMatching(/PROGRAM_(MISSING|TOO_OLD)/),
    });
  });

  test('is never asked of the script by which Debian chooses one: it only starts those that are found anyway', async ({
    folder,
  }) => {
    const common = join(folder, 'postgresql-common');
    const bin = join(folder, 'bin');
    for (const each of [common, bin]) mkdirSync(each);
    writeFileSync(join(common, 'pg_wrapper'), '#!/bin/sh\necho "pg_dump (PostgreSQL) 99.1"\n', { mode: 0o755 });
    symlinkSync(join(common, 'pg_wrapper'), join(bin, 'pg_dump'));
    await expect(clientPrograms([], bin, {}).find('pg_dump', 99)).rejects.toMatchObject({
      code: expect.stringMatching(/PROGRAM_(MISSING|TOO_OLD)/),
    });
  });
});
