import { join } from 'node:path';
import { MaintError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { formatCount, plural } from '../base/units.ts';
import type { World } from '../base/world.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/read.ts';
import { isMapping } from '../config/tree.ts';
import { restoreArchive, type ArchiveRestore, type Restored } from '../retention/restore-archive.ts';
import { ruleOfFolder } from '../retention/restore-segments.ts';
import { rulesSetting, type Rule } from '../retention/settings.ts';
import { tasks } from '../tasks/index.ts';
import { alone } from './backups-turn.ts';
import { signalExitCode } from './exit-code.ts';
import type { PruneRestoreInvocation } from './restore-invocation.ts';
import { openProgress } from './progress.ts';
import { openSessions } from './sessions.ts';
import { listenForStop } from './stopping.ts';
import { unknownWord, usage } from './usage.ts';

/**
 * `maint prune restore <rule>`: brings archived rows back into their table.
 * @returns 0, also where nothing was found; 128+n after a signal
 * @throws MaintError USAGE where it cannot begin, and when the database or the archive failed on the way
 */
export async function pruneRestoreCommand(invocation: PruneRestoreInvocation, world: World): Promise<number> {
  const { env, cwd } = world;
  const { dryRun, format, common } = invocation;
  const config = await loadConfig({ env, cwd, configPath: common.config, tasks });
  const source = await sourceOf(invocation.rule, config);
  using stopping = listenForStop(world, false);
  using progress = openProgress({ world, isWanted: format === 'text' });
  await using sessions = openSessions(config, 'maint/prune');
  progress.stepStarted('prune', `restore ${source.rule.name}`);
  const { since, until, where } = invocation;
  const session = dryRun ? sessions.reader : sessions.writer;
  const work = async (): Promise<number> => {
    const answer = await restoreArchive({
      ...source,
      dryRun,
      wanted: { since, until, where },
      database: session.within(stopping.signal),
      timezone: config.timezone,
      signal: stopping.signal,
      now: () => world.now(),
      onRows: (rows) => progress.progressed({ done: rows, unit: 'rows' }),
    });
    if (!('found' in answer)) throw refused(answer);
    progress[Symbol.dispose]();
    say(invocation, world, { source, answer });
    return 0;
  };
  try {
    return dryRun ? await work() : await alone({ config, common, coordination: sessions.coordination }, world, work);
  } catch (error) {
    const stoppedBy = stopping.stoppedBy();
    if (stoppedBy === null) throw error;
    progress.aside.write('maint: stopped; what came back so far stays, and the next time it goes on with the rest\n');
    return signalExitCode(stoppedBy);
  }
}

type Source = Pick<ArchiveRestore, 'rule' | 'from'>;

/** A rule of the configuration by its name, or the folder of one by its path. */
async function sourceOf(name: string, config: Config): Promise<Source> {
  if (name.startsWith('/')) return { rule: await ruleOfFolder(name), from: { folder: name } };
  const settings = config.tasks.find(({ task }) => task.name === 'prune')?.settings;
  const rules: readonly Rule[] = rulesSetting.parse(isMapping(settings) ? settings['rules'] : []);
  const rule = rules.find((one) => one.name === name);
  if (rule === undefined)
    throw unknownWord(
      'rule',
      name,
      rules.map((one) => one.name),
    );
  const { archive } = rule;
  if (archive === undefined)
    throw usage(
      `the rule ${name} has no archive`,
      'Its rows are deleted: `maint restore --table` brings them back from a backup.',
    );
  const { table, directory } = archive;
  return { rule, from: table === undefined ? { folder: join(directory ?? '', name) } : { table } };
}

function refused(refusals: Exclude<Awaited<ReturnType<typeof restoreArchive>>, Restored>): MaintError {
  const [first] = refusals;
  return new MaintError('CONFIG_INVALID', `nothing was restored: ${first?.reason ?? ''}`, {
    hint: refusals.flatMap(({ remediation }) => remediation).join(' '),
    ...(first !== undefined && { detail: first.detail }),
  });
}

function say(
  { format, dryRun }: PruneRestoreInvocation,
  { stdout, version }: World,
  { source, answer }: { readonly source: Source; readonly answer: Restored },
): void {
  const { name } = source.rule;
  if (format === 'json') {
    stdout.write(`${JSON.stringify({ format: 1, maint: version, rule: name, dryRun, ...answer })}\n`);
    return;
  }
  const { table, found, existing, restored } = answer;
  const verb = dryRun ? 'would come back' : 'came back';
  const lines = [
    `${plural(found, 'row')} found, ${formatCount(restored)} ${verb} to ${table}` +
      (existing > 0 ? `, ${formatCount(existing)} stay as they are there` : ''),
    ...(restored > 0 && !dryRun
      ? [`    → the next run of the rule ${name} archives them again: give it a \`where\`, or turn it off meanwhile`]
      : []),
  ];
  stdout.write(lines.map((line) => `${printable(line)}\n`).join(''));
}
