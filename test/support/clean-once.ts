/**
 * A process that cleans, and kills itself right before the so-manieth call that changes something on the disk.
 * Arguments: settings as JSON, that number, 0 for never. Prints how many such calls there were.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [, , settings = '{}', killAt = '0'] = process.argv;
let calls = 0;

function counted(): void {
  calls += 1;
  if (calls === Number(killAt)) process.kill(process.pid, 'SIGKILL');
}

const { writeSync, renameSync, unlinkSync, rmdirSync, ftruncateSync } = fs;
Object.assign(fs, {
  writeSync: (file: number, piece: Buffer, offset: number) => (counted(), writeSync(file, piece, offset)),
  renameSync: (from: string, to: string) => (counted(), renameSync(from, to)),
  unlinkSync: (path: string) => (counted(), unlinkSync(path)),
  rmdirSync: (path: string) => (counted(), rmdirSync(path)),
  ftruncateSync: (file: number, length: number) => (counted(), ftruncateSync(file, length)),
});
// What was imported from node:fs by name, here and later, is what stands there now.
syncBuiltinESMExports();

const { clean } = await import('../../src/tasks/clean.ts');
const { noDatabase, performSteps, planTask } = await import('./run-task.ts');
await performSteps(await planTask(clean, JSON.parse(settings), { database: noDatabase }), { database: noDatabase });
console.log(calls);
