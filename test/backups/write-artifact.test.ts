import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeKeyPair } from '../../src/adapters/age-keys.ts';
import { whichProgram } from '../../src/adapters/programs.ts';
import { makeSealing } from '../../src/backups/sealing.ts';
import { writeArtifact } from '../../src/backups/write-artifact.ts';

const zstd = await whichProgram('zstd', process.env['PATH']);

test.for([0, 100, 5_000, 700_000])(
  'all of %i bytes is read back, also where the program has ended before the header is made',
  async (bytes) => {
    const { recipient } = await makeKeyPair();
    // The lowest level needs no program.
    for (const [program, level] of [
      [zstd, 2],
      [undefined, 2],
      ['/nonexistent/zstd', 1],
    ] as const) {
      const folder = await mkdtemp(join(tmpdir(), 'maint-artifact-'));
      let seen = 0;
      const place = {
        folder,
        sealing: await makeSealing([recipient]),
        zstd: program,
        level,
        onWritten: () => undefined,
      };
      const request = {
        name: 'some',
        content: 'text',
        async *source() {
          if (bytes > 0) yield Buffer.alloc(bytes, 'abc');
        },
        inspect: (piece: Buffer) => void (seen += piece.length),
      };
      const artifact = await writeArtifact(place, request, new AbortController().signal);
      expect(seen).toBe(bytes);
      expect(artifact).toMatchObject({ path: 'some.zst.age', codec: ['text', 'zstd', 'age'] });
      await rm(folder, { recursive: true });
    }
  },
);
