import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { test } from '../support/backups.ts';
import { oddDatabase } from '../support/odd-databases.ts';

test('a good backup of whatever database raises no alarm', { timeout: 120_000 }, async ({ database, vault }) => {
  await fc.assert(
    fc.asyncProperty(oddDatabase, fc.integer({ min: 1, max: 6 }), async ({ statements, rows }, compressionLevel) => {
      await database.query(`DO $$ DECLARE s text; BEGIN
        FOR s IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
          EXECUTE format('DROP SCHEMA %I CASCADE', s);
        END LOOP;
        PERFORM lo_unlink(oid) FROM pg_largeobject_metadata;
        CREATE SCHEMA public;
      END $$`);
      for (const statement of statements) await database.query(statement);
      await rm(join(vault.directory, 'app'), { recursive: true, force: true });
      expect(await vault.take({ compressionLevel })).toMatchObject({ status: 'done', facts: { rows } });
      expect(await vault.verify()).toMatchObject({ status: 'done', facts: { rows } });
    }),
    { numRuns: 8, endOnFailure: true },
  );
});
