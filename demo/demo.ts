import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dumpFile, labelFolder, startOf } from '../src/backups/layout.ts';
import { MaintError } from '../src/base/errors.ts';
import { APP } from './app.ts';
import { narrator, StoryError, type Narrator } from './narrator.ts';
import { chooseServer } from './preflight.ts';
import { buildScene, type Scene, type SceneRequest } from './scene.ts';
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
    const scene = await openingOf(tell, stage, { server, isKept });
    await goodNight(tell, scene);
    await badNight(tell, scene);
    await proof(tell, scene);
    farewell(tell, stage, isKept);
    return 0;
  });
  if (exitCode > 128) process.stderr.write(`demo: stopped; ${isKept ? 'the server' : 'everything'} is cleared away\n`);
  return exitCode;
}

async function openingOf({ chapter, say }: Narrator, stage: Stage, request: SceneRequest): Promise<Scene> {
  await chapter(`A throw-away PostgreSQL ${request.server.major} with a small app on it`);
  say(`${APP}, a messenger: users, messages, an attachment, workflows. All of it lies in ${stage.folder}`);
  const scene = await buildScene(stage, request);
  say(`and ${request.isKept ? 'stays there' : 'is gone'} when this ends. The settings of maint are in ${scene.config}`);
  if (scene.certificate === undefined) say('(openssl is not installed, so the app has no certificate)');
  return scene;
}

async function goodNight({ chapter, maint }: Narrator, { config }: Scene): Promise<void> {
  await chapter('A good night: what cron will run every day');
  await maint(['daily', '--config', config], 0);
  await chapter('What ran when, and what comes next');
  await maint(['status', '--config', config], 0);
}

async function badNight(tell: Narrator, { cluster, news, config }: Scene): Promise<void> {
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

async function proof({ chapter, maint, say }: Narrator, { config, backups, news }: Scene): Promise<void> {
  await chapter('Would we get it all back? Every row of every backup, read and counted');
  await maint(['verify-backup', '--all', '--config', config], 0);
  const newest = newestBackup(backups);
  say(`The newest, ${newest}, holds ${readdirSync(newest).join(', ')}`);

  await chapter('And if one byte of it rots on the disk?');
  spoil(join(newest, dumpFile()));
  await maint(['verify-backup', '--latest', '--config', config], 1);
  expect(news().webhook, 'maint.alert.firing');
}

/** The names of backups sort by age. */
function newestBackup(backups: string): string {
  const folder = labelFolder(backups, APP);
  const name = readdirSync(folder)
    .filter((entry) => startOf(entry) !== undefined)
    .toSorted()
    .at(-1);
  if (name === undefined) throw new StoryError(`there should be a backup in ${folder}`);
  return join(folder, name);
}

/** Turns one byte in the middle of a file around. */
function spoil(path: string): void {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 0xff, middle);
  writeFileSync(path, bytes);
}

function farewell({ say }: Narrator, { folder }: Stage, isKept: boolean): void {
  say('\nNow your own database. Looking first changes nothing:');
  say('  DATABASE_URL=postgres://user@host/name npx maint daily --dry-run');
  say('  npx maint init          writes a commented maint.yaml for it');
  say('  npx maint doctor        says what is still missing, all at once');
  say('  crontab.example         lets cron do the rest');
  if (isKept) {
    say(`\nKept in ${folder}: maint.yaml, backups, state (journal and log); the server stops now. Still to be asked:`);
    say(`  npx maint history --config ${join(folder, 'maint.yaml')}`);
  } else say('\nServer and folder go now; `npm run demo -- --keep` leaves the folder for a closer look.');
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof MaintError || error instanceof StoryError)) throw error;
  process.stderr.write(`demo: ${error.message}\n`);
  if (error instanceof MaintError) process.stderr.write(`  ${error.hint}\n`);
  process.exitCode = error instanceof MaintError ? error.exitCode : 1;
}
