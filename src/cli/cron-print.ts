import { relative } from 'node:path';
import { currentUser } from '../adapters/cron-machine.ts';
import type { World } from '../base/world.ts';
import { quotedForShell } from '../base/shell-word.ts';
import { loadConfig } from '../config/read.ts';
import { blockText } from '../schedule/block.ts';
import { githubWorkflow } from '../schedule/github-actions.ts';
import type { ScheduledProject } from '../schedule/jobs.ts';
import { kubernetesManifests } from '../schedule/kubernetes.ts';
import { systemdUnits } from '../schedule/systemd.ts';
import { tasks } from '../tasks/index.ts';
import { planCron, type CronPlan } from './cron-jobs.ts';
import { cronLine, cronWords } from './cron-line.ts';
import type { Invocation } from './invocation.ts';
import type { Scheduler } from './cron-invocation.ts';

type PrintInvocation = Extract<Invocation, { readonly kind: 'cron-print' }>;

/** `maint cron print`: what starts the rounds, to stdout; what may go wrong with it, to stderr. */
export async function cronPrintCommand({ scheduler, common }: PrintInvocation, world: World): Promise<number> {
  const { env, cwd, stdout } = world;
  const config = await loadConfig({ env, cwd, configPath: common.config, tasks });
  const plan = await planCron(world, common, config);
  stdout.write(WRITERS[scheduler](plan, world));
  if (MACHINE_BOUND.has(scheduler)) tellNotices(plan, world);
  return 0;
}

/** Schedulers that start what lies on this machine. */
const MACHINE_BOUND: ReadonlySet<Scheduler> = new Set(['crontab', 'cron.d', 'systemd']);

/** Tells on stderr what will not work as it does here. */
export function tellNotices({ notices }: Pick<CronPlan, 'notices'>, { stderr }: World): void {
  for (const notice of notices) stderr.write(`maint: ${notice}\n`);
}

/** The lines between the marks of the block. */
export function crontabLines(plan: CronPlan): readonly string[] {
  return [
    `# Written by maint cron install; change the configuration and install again. ${clockNote(plan)}`,
    ...roundLines(plan, ''),
  ];
}

function clockNote({ timezone }: CronPlan): string {
  return `maint counts in ${timezone}, cron by the clock of the machine.`;
}

/** @param user the user field with a space behind it, for crontabs of the system */
function roundLines(plan: CronPlan, user: string): readonly string[] {
  const { file, state } = plan;
  return plan.rounds.map(({ round, expression }) => {
    const schedule = `${expression.text}${user}`;
    return cronLine({ round, schedule, file, ...(state !== undefined && { state }) }, plan);
  });
}

const WRITERS: Readonly<Record<Scheduler, (plan: CronPlan, world: World) => string>> = {
  crontab: (plan) => blockText(plan.project, crontabLines(plan)),
  'cron.d': (plan) =>
    [
      `# /etc/cron.d/maint-${plan.project}, owner root, mode 0644. ${clockNote(plan)}`,
      'SHELL=/bin/sh',
      'PATH=/usr/local/bin:/usr/bin:/bin',
      ...roundLines(plan, ` ${currentUser()}`),
      '',
    ].join('\n'),
  systemd: (plan) =>
    systemdUnits(
      scheduled(plan, (round) => {
        const { file, state } = plan;
        return cronWords({ round, file, ...(state !== undefined && { state }) }, plan);
      }),
      currentUser(),
    ),
  kubernetes: (plan) =>
    kubernetesManifests(scheduled(plan, (round) => [round, '--cron', '--config', '/etc/maint/maint.yaml'])),
  // The state of a runner ends with it, so a tick there would know nothing of what was missed.
  'github-actions': (plan, { cwd }) =>
    githubWorkflow(
      scheduled(withoutTick(plan), (round) => [
        round,
        '--cron',
        ...(plan.file === null ? [] : ['--config', quotedForShell(inRepository(plan.file, cwd))]),
      ]),
    ),
};

function withoutTick(plan: CronPlan): CronPlan {
  return { ...plan, rounds: plan.rounds.filter(({ round }) => round !== 'tick') };
}

function scheduled(
  { project, timezone, rounds }: CronPlan,
  wordsOf: (round: string) => readonly string[],
): ScheduledProject {
  const jobs = rounds.map(({ round, expression }) => ({ name: round, expression, words: wordsOf(round) }));
  return { project, timezone, jobs };
}

/** A runner has the repository as its working directory. */
function inRepository(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? 'maint.yaml' : path;
}
