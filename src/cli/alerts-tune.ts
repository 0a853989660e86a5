import { needSetting } from '../alerts/route-settings.ts';
import { handlingOf, type AlertPolicy } from '../alerts/policy.ts';
import { storiesIn } from '../alerts/stats.ts';
import { best, CANDIDATES, partOf, replay, type Candidate, type Replay } from '../alerts/tune.ts';
import { formatDuration, plural } from '../base/units.ts';
import type { World } from '../base/world.ts';
import type { Journal } from '../engine/journal.ts';
import type { RunReport } from '../engine/report.ts';
import { lookAtAlerts } from './alerts-desk.ts';
import type { AlertsTuneInvocation } from './alerts-invocation.ts';
import { usage } from './usage.ts';

/** `maint alerts tune`: lets the same function decide about what happened, with other settings. */
export async function alertsTuneCommand(invocation: AlertsTuneInvocation, world: World): Promise<number> {
  const { check, sinceMs, common, format } = invocation;
  return lookAtAlerts(common, world, ({ journal, store, policy, config }) => {
    const since = new Date(world.now().getTime() - sinceMs);
    const reports = partsSince(journal, since, invocation).filter(({ project }) => project === config.project);
    if (reports.length === 0)
      throw usage(
        `no run of the last ${formatDuration(sinceMs)} looked at ${check}`,
        'Name a check or a task that ran.',
      );
    const stories = storiesIn(store.history(since)).filter((story) => story.check === check);
    const real = stories.filter(({ outcome }) => outcome === 'action');
    const request = { reports, check, policy, real };
    const present = presentOf(check, policy, reports);
    const current = replay(request, present);
    const tried = candidatesOf(invocation, present).map((candidate) => replay(request, candidate));
    const proposed = best(tried);
    const answer = {
      check,
      since: since.toISOString(),
      runs: reports.length,
      current,
      tried,
      proposed: proposed ?? null,
    };
    world.stdout.write(format === 'json' ? `${JSON.stringify({ format: 1, ...answer })}\n` : textOf(answer));
    return 0;
  });
}

const PAGE = 200;

/** Reads a page of reports at a time and keeps the steps of one check, for a year of reports does not fit into memory. */
function partsSince(journal: Journal, since: Date, invocation: AlertsTuneInvocation): readonly RunReport[] {
  const parts: RunReport[] = [];
  const seen = new Set<string>();
  for (let from = since; ;) {
    const reports = journal.reportsSince(from, PAGE).map((text): RunReport => JSON.parse(text));
    for (const report of reports) {
      const part = seen.has(report.run) ? undefined : partOf(report, invocation.check, invocation);
      seen.add(report.run);
      if (part !== undefined) parts.push(part);
    }
    const last = reports.at(-1);
    if (last === undefined || reports.length < PAGE) return parts;
    const next = new Date(last.startedAt);
    from = next > from ? next : new Date(from.getTime() + 1);
  }
}

function presentOf(check: string, policy: AlertPolicy, reports: readonly RunReport[]): Candidate {
  const step = reports.flatMap(({ tasks }) => tasks.flatMap(({ steps }) => steps))[0];
  const alertClass = step?.concern?.alertClass ?? 'ticket';
  const { need, resolveAfter } = handlingOf({ check, alertClass }, 'fail', policy);
  return { need, resolveAfter };
}

function candidatesOf({ need: text, resolveAfter }: AlertsTuneInvocation, present: Candidate): readonly Candidate[] {
  if (text === undefined && resolveAfter === undefined) return CANDIDATES;
  const parsed = needSetting.safeParse(text === undefined || /\D/.test(text) ? text : Number(text));
  if (text !== undefined && !parsed.success) throw usage('--for must be a number of results', 'Write 2, or "2 of 3".');
  return [{ need: parsed.data ?? present.need, resolveAfter: resolveAfter ?? present.resolveAfter }];
}

interface Answer {
  readonly check: string;
  readonly runs: number;
  readonly current: Replay;
  readonly tried: readonly Replay[];
  readonly proposed: Replay | null;
}

function textOf({ check, runs, current, tried, proposed }: Answer): string {
  const real = current.kept + current.missed;
  const lines = [
    `${check}: ${plural(runs, 'run')} replayed, ${plural(real, 'alert')} that somebody acted on`,
    `  as it is   ${words(current)}`,
    ...tried.map((each) => `  ${each === proposed ? '→' : ' '}          ${words(each)}`),
  ];
  const isBetter = proposed !== null && proposed.firings < current.firings;
  const { need } = proposed ?? current;
  const setting = need.hits === need.of ? `${need.hits}` : `${need.hits} of ${need.of}`;
  if (real === 0)
    lines.push('No alert of it was closed as action, so nobody knows which mattered: maint alerts close says so.');
  const advice = isBetter
    ? `alerts.checks.${check}: { for: ${setting}, resolveAfter: ${proposed.resolveAfter} } would have told ${proposed.firings} instead of ${current.firings}, all ${real} that mattered among them, at most ${formatDuration(proposed.latestMs)} later`
    : 'none of these tells less without losing what mattered';
  return `${[...lines, ...(real === 0 ? [] : [advice])].join('\n')}\n`;
}

function words({ need, resolveAfter, firings, kept, missed, latestMs }: Replay): string {
  const results = need.hits === need.of ? `${need.hits} bad in a row` : `${need.hits} bad of ${need.of}`;
  const late = kept > 0 ? `, at most ${formatDuration(latestMs)} later` : '';
  const lost = missed > 0 ? `, loses ${missed}` : '';
  return `${results}, ${resolveAfter} good to end it: ${plural(firings, 'alert')}${late}${lost}`;
}
