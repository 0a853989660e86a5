import type { World } from '../base/world.ts';
import { loadConfig } from '../config/read.ts';
import { openJournalToRead } from '../engine/sqlite-journal.ts';
import { tasks } from '../tasks/index.ts';
import { explain } from './explain.ts';
import type { Invocation, RunInvocation } from './invocation.ts';
import { stateDirectory } from './state-directory.ts';
import { foresee } from './tick/foresee.ts';
import { look } from './tick/look.ts';
import type { DueRun } from './tick/judge-jobs.ts';

type TickInvocation = Extract<Invocation, { readonly kind: 'tick' }>;

/**
 * `maint tick`: the heartbeat of a project. Looks at its health, delivers what waits, judges by the ledger what was
 * missed, and then runs what is due. What takes long comes last and takes locks of its own, so the next tick is not held up.
 */
export async function tickCommand(invocation: TickInvocation, world: World): Promise<number> {
  const { common, dryRun, cron } = invocation;
  const { env, cwd } = world;
  const config = await loadConfig({ env, cwd, configPath: common.config, tasks });
  if (dryRun) {
    using journal = openJournalToRead(stateDirectory(world, common, config));
    world.stdout.write(foresee(config, journal, world));
    return 0;
  }
  const looked = await look({ ...runOf(invocation), config }, world);
  if (looked === undefined) {
    if (!cron) world.stderr.write('maint: another tick is at work\n');
    return 0;
  }
  let exitCode = looked.exitCode;
  for (const due of looked.due) {
    if (exitCode >= 128) return exitCode;
    exitCode = worse(exitCode, await begin(due, invocation, world));
  }
  return exitCode;
}

function runOf({ common, format, cron }: TickInvocation): { readonly invocation: RunInvocation } {
  const nothing = { only: [], skip: [], overrides: [], junit: undefined, textfile: undefined };
  const select = { tasks: ['health'] };
  return {
    invocation: {
      kind: 'run',
      command: 'tick',
      select,
      dryRun: false,
      failOn: 'fail',
      ...nothing,
      common,
      format,
      cron,
    },
  };
}

/** Runs one slot as cron would; what keeps it from beginning must not keep the others. */
async function begin(
  { name, select, slot, isCatchUp }: DueRun,
  invocation: TickInvocation,
  world: World,
): Promise<number> {
  const { runCommand } = await import('./run.ts');
  const run = runOf(invocation).invocation;
  try {
    return await runCommand(
      { ...run, command: name, select, format: 'text', cron: true, scheduled: { slot, isCatchUp } },
      world,
    );
  } catch (error) {
    const { exitCode, text } = explain(error, { format: 'text', version: world.version });
    world.stderr.write(`maint: ${name} of ${slot.toISOString()} could not begin\n${text}`);
    return exitCode;
  }
}

/** A signal outranks all, and what is known to be broken outranks what could not be found out. */
function worse(one: number, other: number): number {
  const rank = (code: number): number => (code >= 128 ? 1_000 : code === 1 ? 500 : code);
  return rank(other) > rank(one) ? other : one;
}
