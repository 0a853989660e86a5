import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { MaintError } from '../src/base/errors.ts';
import { alertReader } from './alerts.ts';
import { APP } from './app.ts';
import { narrator, StoryError, type Narrator } from './narrator.ts';
import { chooseServer } from './preflight.ts';
import { buildScene, type Scene } from './scene.ts';
import { onStage, type Stage } from './stage.ts';

/**
 * Shows maint at work on a PostgreSQL of its own: a good night, a bad one, and the way back. `--keep` leaves the folder.
 * Exit code 0 when the story went as told, 1 when it did not, 4 when a program is missing, 128+n after signal n.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
  const isKept = values.keep;
  const server = await chooseServer(process.env['PATH']);
  const exitCode = await onStage({ isKept }, async (stage) => {
    const tell = narrator(stage);
    await tell.chapter(`A throw-away PostgreSQL ${server.major} with a small app on it`);
    const scene = await buildScene(stage, { server, isKept });
    introduce(tell, stage, scene);
    await goodNight(tell, scene);
    await badNight(tell, scene);
    await proof(tell, scene);
    farewell(tell, stage, isKept);
    return 0;
  });
  if (exitCode > 128) process.stderr.write(`demo: stopped; ${isKept ? 'the server' : 'everything'} is cleared away\n`);
  return exitCode;
}

function introduce({ say }: Narrator, { folder }: Stage, { config, certificate }: Scene): void {
  say(`${APP}, a messenger: users, messages, an attachment, workflows. All of it lies in ${folder}`);
  say(`and is gone when this ends. The settings of maint are in ${config}`);
  if (certificate === undefined) say('(openssl is not installed, so the app has no certificate)');
}

async function goodNight({ chapter, maint }: Narrator, { config }: Scene): Promise<void> {
  await chapter('A good night: what cron will run every day');
  await maint(['daily', '--config', config], 0);
  await chapter('What ran when, and what comes next');
  await maint(['status', '--config', config], 0);
}

async function badNight(tell: Narrator, { cluster, receiver, config }: Scene): Promise<void> {
  const news = alertReader(receiver);
  await tell.chapter('A bad night: the database server was killed');
  await cluster.stop();
  await tell.maint(['daily', '--config', config], 1);
  const alarm = news();
  tell.say('Meanwhile, in Slack (a receiver on this machine):');
  tell.quote(alarm.slack);
  expect(alarm.webhook, 'maint.alert.firing');

  await tell.chapter('The server is started again, and the next run says that it is over');
  await cluster.start();
  await tell.maint(['daily', '--config', config], 0);
  const recovery = news();
  tell.say('Slack again:');
  tell.quote(recovery.slack);
  expect(recovery.webhook, 'maint.alert.resolved');
}

function expect(types: readonly string[], wanted: string): void {
  if (types.length !== 1 || types[0] !== wanted)
    throw new StoryError(`the webhook should have got one ${wanted}, but got ${types.join(', ') || 'nothing'}`);
}

async function proof({ chapter, maint, say }: Narrator, { config, backups }: Scene): Promise<void> {
  await chapter('Would we get it all back? Every row of every backup, read and counted');
  await maint(['verify-backup', '--all', '--config', config], 0);
  say(`In ${backups}: ${readdirSync(backups).join(', ')}`);
}

function farewell({ say }: Narrator, { folder }: Stage, isKept: boolean): void {
  say('');
  say('Now your own database; nothing is changed by looking first:');
  say('  DATABASE_URL=postgres://user@host/name npx maint daily --dry-run');
  say('  npx maint init          writes a commented maint.yaml');
  say('  npx maint doctor        says what is still missing');
  say('  crontab.example         lets cron do the rest');
  say(
    isKept
      ? `Kept: ${folder} (the server is stopped).`
      : 'Server and folder are gone; `npm run demo -- --keep` leaves the folder.',
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof MaintError || error instanceof StoryError)) throw error;
  process.stderr.write(`demo: ${error.message}\n`);
  if (error instanceof MaintError) process.stderr.write(`  ${error.hint}\n`);
  process.exitCode = error instanceof MaintError && error.code.startsWith('PROGRAM_') ? 4 : 1;
}
