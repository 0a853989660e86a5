import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { isProcessAlive } from '../../src/adapters/host.ts';
import { until } from '../support/process-table.ts';
import { isAlive } from '../support/processes.ts';

test('a process that has ended is gone, also where nobody buries it', async () => {
  // The shell becomes a program that asks for none of its children.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let said = '';
    parent.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await until('it has a child', () => said.endsWith('\n'));
    const child = Number(said);
    expect(isProcessAlive(child)).toBe(true);
    process.kill(child, 'SIGKILL');
    await until('the child has ended', () => !isAlive(child));
    expect(isProcessAlive(child)).toBe(false);
    expect(isProcessAlive(process.pid)).toBe(true);
  } finally {
    parent.kill('SIGKILL');
  }
});
