/**
 * A process that announces one failing run and can be killed while it does.
 * Arguments: file for states and spool, address of the webhook, number of the run.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { http } from '../../src/adapters/http.ts';
import { mail } from '../../src/adapters/mail.ts';
import { wait } from '../../src/adapters/wait.ts';
import { announce } from '../../src/alerts/announce.ts';
import { alertSettings } from '../../src/alerts/settings.ts';
import type { AlertState } from '../../src/alerts/state.ts';
import { memoryAlertStore, type AlertStore, type SpooledMessage } from '../../src/alerts/store.ts';
import { SIGNING_KEY } from './receiver.ts';
import { reportOf, stepOf, taskOf } from './reports.ts';

interface Stored {
  readonly states: readonly AlertState[];
  readonly messages: readonly SpooledMessage[];
}

const [, , file = '', url = '', number = ''] = process.argv;

const stored = (): Stored => JSON.parse(readFileSync(file, 'utf8'));

function write(next: Partial<Stored>): void {
  const text = JSON.stringify({ ...stored(), ...next });
  writeFileSync(`${file}.partial`, text);
  renameSync(`${file}.partial`, file);
}

const store: AlertStore = {
  ...memoryAlertStore(),
  load: () => stored().states,
  save: (states) => write({ states }),
  spooled: () => stored().messages,
  spool: (message) => write({ messages: [...stored().messages.filter(({ id }) => id !== message.id), message] }),
  unspool: (id) => write({ messages: stored().messages.filter((message) => message.id !== id) }),
};

const report = await announce({
  report: reportOf([taskOf('backup', stepOf('dump app', 'no space left', { verdict: 'fail' }))], {
    run: `00000000-0000-4000-8000-${number.padStart(12, '0')}`,
  }),
  settings: await alertSettings.parseAsync({
    channels: [{ name: 'hook', type: 'webhook', url, signingKey: SIGNING_KEY }],
  }),
  store,
  secrets: [],
  http,
  mail,
  wait,
  signal: AbortSignal.timeout(60_000),
  now: () => new Date(),
});
console.log(JSON.stringify(report));
