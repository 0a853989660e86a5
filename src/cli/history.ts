import { formatDuration } from '../base/units.ts';
import type { World } from '../base/world.ts';
import { loadConfig } from '../config/read.ts';
import type { RunRecord } from '../engine/journal.ts';
import { openJournalToRead } from '../engine/sqlite-journal.ts';
import { tasks } from '../tasks/index.ts';
import type { Invocation } from './invocation.ts';
import { fateOf, type Fate } from './lives.ts';
import { stateDirectory } from './state-directory.ts';
import { fateMark } from './fates.ts';
import { paintFor } from './style.ts';

type HistoryInvocation = Extract<Invocation, { readonly kind: 'history' }>;

/** `maint history`: what ran when, newest first, read from the journal alone. */
export async function historyCommand({ common, format, limit }: HistoryInvocation, world: World): Promise<number> {
  const { env, cwd, stdout, hostname } = world;
  const config = await loadConfig({ env, cwd, configPath: common.config, tasks });
  using journal = openJournalToRead(stateDirectory(world, common, config));
  const runs = journal.runs(limit).map((run) => ({ ...run, fate: fateOf(run, hostname) }));
  for (const notice of journal.notices) world.stderr.write(`maint: ${notice}\n`);
  if (format === 'json') {
    stdout.write(`${JSON.stringify({ format: 1, project: config.project, runs })}\n`);
    return 0;
  }
  const paint = paintFor(common.color, env, stdout);
  if (runs.length === 0) stdout.write(`nothing has run yet for ${config.project}\n`);
  const widest = Math.max(...runs.map(({ command }) => command.length));
  for (const run of runs) stdout.write(`${fateMark(run.fate, paint)} ${line(run, widest)}\n`);
  return 0;
}

function line(run: RunRecord & { readonly fate: Fate }, widest: number): string {
  const { startedAt, finishedAt, command, fate, slot, host, pid } = run;
  const took = finishedAt === null ? '' : `  ${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))}`;
  const meant = slot === null ? '' : `  slot ${slot.slice(0, 16)}Z`;
  const where = fate === 'running' || fate === 'killed' ? `  process ${pid} on ${host}` : '';
  return `${startedAt.slice(0, 19)}Z  ${command.padEnd(widest)}  ${fate}${took}${meant}${where}`;
}
