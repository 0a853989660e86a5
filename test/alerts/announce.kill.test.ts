import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startReceiver, type Receiver } from '../support/receiver.ts';

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'maint-announce-'));
  file = join(directory, 'alerts.json');
  writeFileSync(file, JSON.stringify({ states: [], messages: [] }));
});

afterEach(() => rmSync(directory, { recursive: true }));

function start(receiver: Receiver, number: number): ChildProcess {
  const script = fileURLToPath(new URL('../support/announce-once.ts', import.meta.url));
  return spawn(process.execPath, [script, file, receiver.webhookUrl, String(number)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function finish(receiver: Receiver, number: number): Promise<void> {
  const [code] = await once(start(receiver, number), 'exit');
  expect(code).toBe(0);
}

const idsOf = (receiver: Receiver): ReadonlySet<unknown> =>
  new Set(receiver.requests.map(({ headers }) => headers['webhook-id']));

test.each([
  ['before the receiver took it', { hang: true } as const],
  ['after the receiver took it', { delayMs: 0 }],
])('kill -9 during a send, %s: the alarm is not lost, and comes under one id only', async (_, behaviour) => {
  await using receiver = await startReceiver();
  receiver.next(behaviour);
  const child = start(receiver, 1);
  const exited = once(child, 'exit');
  await receiver.arrived(1);
  child.kill('SIGKILL');
  await exited;
  await finish(receiver, 2);
  await finish(receiver, 3);
  expect(idsOf(receiver)).toEqual(new Set(['alert_00000000-0000-4000-8000-000000000001']));
  expect(receiver.accepted().length).toBeGreaterThan(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ states: [{ deliveredTo: ['hook'] }], messages: [] });
});
