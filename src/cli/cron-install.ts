import { join } from 'node:path';
import { userCrontab, type UserCrontab } from '../adapters/crontab.ts';
import { makePrivateDirectory } from '../adapters/directories.ts';
import { writeTextFile } from '../adapters/text-file.ts';
import { MaintError } from '../base/errors.ts';
import { printableLines, redacted } from '../base/printable.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { loadConfig, salvageConfig } from '../config/read.ts';
import { findBlock, withBlock, withoutBlock, type Block } from '../schedule/block.ts';
import { parseCrontab } from '../schedule/crontab.ts';
import { changedLines } from '../schedule/diff.ts';
import { tasks } from '../tasks/index.ts';
import { planCron, type CronPlan } from './cron-jobs.ts';
import { crontabLines, tellNotices } from './cron-print.ts';
import type { Invocation } from './invocation.ts';
import { stateDirectory } from './state-directory.ts';
import { paintFor, type Paint } from './style.ts';

type InstallInvocation = Extract<Invocation, { readonly kind: 'cron-install' | 'cron-uninstall' }>;

/**
 * `maint cron install | uninstall`: puts a block into the user's crontab, or takes it out. Every other byte stays.
 * @throws MaintError CRONTAB_EDITED where someone changed the block, PROGRAM_MISSING and PROGRAM_FAILED of `crontab`
 */
export async function cronInstallCommand(invocation: InstallInvocation, world: World): Promise<number> {
  const config = await configOf(invocation, world);
  const crontab = await userCrontab(world.env['PATH']);
  const old = await crontab.read();
  const before = old ?? Buffer.alloc(0);
  const block = ownBlock(before, config.project, invocation.force);
  if (invocation.kind === 'cron-uninstall') {
    const after = block === undefined ? before : withoutBlock(block);
    await carryOver({ invocation, config, crontab, before, after }, world);
    return 0;
  }
  const plan = await planCron(world, invocation.common, config);
  const after = withBlock(before, block, { project: config.project, lines: crontabLines(plan) });
  await carryOver({ invocation, config, crontab, before, after }, world);
  tellNotices({ ...plan, notices: [...plan.notices, ...startedTwice(block, before, plan)] }, world);
  return 0;
}

/** Taking the block out must work with a broken configuration too, as long as the project is known. */
async function configOf({ kind, common }: InstallInvocation, { env, cwd }: World): Promise<Config> {
  const request = { env, cwd, configPath: common.config, tasks };
  const salvaged = kind === 'cron-uninstall' ? (await salvageConfig(request)).config : undefined;
  return salvaged ?? loadConfig(request);
}

function ownBlock(crontab: Buffer, project: string, force: boolean): Block | undefined {
  const found = findBlock(crontab, project);
  if ('fault' in found)
    throw new MaintError('CRONTAB_EDITED', found.fault, {
      hint: `Take these lines out with \`crontab -e\`: each pair of them belongs to one block of maint ${project}.`,
    });
  const { block } = found;
  if (block === undefined || block.isIntact || force) return block;
  throw new MaintError('CRONTAB_EDITED', `the block of maint ${project} in the crontab was edited by hand`, {
    hint: 'See what would become of it with --dry-run --force; --force alone writes over it.',
  });
}

/** Lines of other people, or of earlier days, that start the same rounds with the same configuration. */
function startedTwice(block: Block | undefined, crontab: Buffer, { rounds, file }: CronPlan): readonly string[] {
  const foreign = block === undefined ? crontab : withoutBlock(block);
  return parseCrontab(foreign.toString(), 'user')
    .jobs.filter(({ command }) => file === null || command.includes(file))
    .flatMap(({ command }) => rounds.filter(({ round }) => START_OF_ROUND.exec(command)?.[1] === round))
    .map(({ round }) => `another line of the crontab starts ${round} as well: take it out with crontab -e`);
}

const START_OF_ROUND = /\bmaint(?:\.js)?['"]?\s+([a-z-]+)\b/;

interface Change {
  readonly invocation: InstallInvocation;
  readonly config: Config;
  readonly crontab: UserCrontab;
  readonly before: Buffer;
  readonly after: Buffer;
}

async function carryOver(change: Change, world: World): Promise<void> {
  const { invocation, crontab, before, after } = change;
  const { stdout, env } = world;
  const isInstall = invocation.kind === 'cron-install';
  if (before.equals(after)) {
    stdout.write(isInstall ? 'the crontab is as it should be\n' : 'the crontab has no block of this project\n');
    return;
  }
  stdout.write(diffText(change, paintFor(invocation.common.color, env, stdout)));
  if (invocation.dryRun) {
    stdout.write('nothing was changed\n');
    return;
  }
  const kept = before.length === 0 ? undefined : keep(change, world);
  await crontab.write(after);
  const where = kept === undefined ? '' : `; the earlier crontab is kept in ${kept}`;
  stdout.write(`${isInstall ? 'installed' : 'uninstalled'}${where}\n`);
}

function diffText({ before, after }: Change, paint: Paint): string {
  return changedLines(before.toString(), after.toString())
    .map((line) => printableLines(redacted(line)))
    .map((line) => (line.startsWith('+') ? paint('green', line) : line.startsWith('-') ? paint('red', line) : line))
    .map((line) => `${line}\n`)
    .join('');
}

/** @returns the path of the copy */
function keep({ invocation, config, before }: Change, world: World): string {
  const directory = join(stateDirectory(world, invocation.common, config), 'crontabs');
  makePrivateDirectory(directory);
  const path = join(directory, `${world.now().toISOString().replaceAll(/[:.]/g, '-')}.crontab`);
  writeTextFile(path, before);
  return path;
}
