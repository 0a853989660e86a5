import { expect, test } from 'vitest';
import { checkStages, feed, startPipeline, type Stage } from '../../src/adapters/pipeline.ts';
import { Secret } from '../../src/base/secret.ts';

const shell = (name: string, script: string): Stage => ({ name, file: '/bin/sh', args: ['-c', script] });
const forever = new AbortController().signal;

async function collect(output: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of output) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

test('programs hand their bytes on from one to the next', async () => {
  await using pipeline = await startPipeline({
    stages: [shell('a', 'echo hello; echo note >&2'), shell('b', 'tr a-z A-Z'), shell('c', 'rev')],
    input: 'none',
    signal: forever,
  });
  expect(await collect(pipeline.output)).toBe('OLLEH\n');
  const ends = await pipeline.ended;
  expect(ends.map(({ name, exitCode }) => [name, exitCode])).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 0],
  ]);
  expect(ends[0]?.stderr).toBe('note\n');
  expect(() => checkStages(ends)).not.toThrow();
});

test('the cause is named before its consequence: the one that stopped reading before the one that lost its reader', async () => {
  await using pipeline = await startPipeline({
    stages: [shell('writer', 'exec yes'), shell('reader', 'head -c 10 >/dev/null; echo broke >&2; exit 3')],
    input: 'none',
    signal: forever,
  });
  await collect(pipeline.output);
  const ends = await pipeline.ended;
  expect(() => checkStages(ends)).toThrow(/^reader ended with exit code 3: broke; writer ended with/);
});

test('a program that is not there is named, and the others do not stay behind', async () => {
  const starting = startPipeline({
    stages: [{ name: 'ghost', file: '/nonexistent/ghost', args: [] }, shell('b', 'exec cat')],
    input: 'none',
    signal: forever,
  });
  await expect(starting).rejects.toMatchObject({ code: 'PROGRAM_MISSING' });
});

test('an abort ends every program', async () => {
  const controller = new AbortController();
  await using pipeline = await startPipeline({
    stages: [shell('a', 'exec sleep 60'), shell('b', 'exec cat')],
    input: 'none',
    signal: controller.signal,
  });
  controller.abort();
  expect((await pipeline.ended).map(({ name, signal }) => [name, signal])).toContainEqual(['a', 'SIGTERM']);
});

test('input is read to its end even when nobody wants it any more', async () => {
  await using pipeline = await startPipeline({
    stages: [shell('a', 'exec head -c 5')],
    input: 'written',
    signal: forever,
  });
  let given = 0;
  const source = async function* (): AsyncGenerator<Buffer> {
    for (; given < 500; given += 1) yield Buffer.alloc(100_000, 'x');
  };
  if (pipeline.input === undefined) throw new Error('no input');
  const [output] = await Promise.all([collect(pipeline.output), feed(pipeline.input, source())]);
  expect(output).toBe('xxxxx');
  expect(given).toBe(500);
});

test('a source that fails brings the programs to their end, so that nobody waits for them for ever', async () => {
  await using pipeline = await startPipeline({
    stages: [shell('a', 'exec cat'), shell('b', 'exec cat')],
    input: 'written',
    signal: forever,
  });
  const source = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('some');
    throw new Error('the disk is gone');
  };
  if (pipeline.input === undefined) throw new Error('no input');
  await expect(feed(pipeline.input, source())).rejects.toThrow('the disk is gone');
  pipeline.output.resume();
  expect((await pipeline.ended).map(({ name }) => name)).toEqual(['a', 'b']);
}, 10_000);

test('secrets reach the program by its environment', async () => {
  const stage = { ...shell('a', 'printf %s "$PGPASSWORD"'), env: { PGPASSWORD: new Secret('hush') } };
  await using pipeline = await startPipeline({ stages: [stage], input: 'none', signal: forever });
  expect(await collect(pipeline.output)).toBe('hush');
});
