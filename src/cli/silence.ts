import { randomBytes } from 'node:crypto';
import { parseMatcher } from '../alerts/match.ts';
import { isOn, isStale, LONGEST_SILENCE_MS, type Silence } from '../alerts/silences.ts';
import { printable } from '../base/printable.ts';
import { formatDuration, plural } from '../base/units.ts';
import type { World } from '../base/world.ts';
import { answerAlerts, lookAtAlerts, pickById, said, speaker } from './alerts-desk.ts';
import type { SilenceAddInvocation, SilenceExpireInvocation, SilenceListInvocation } from './alerts-invocation.ts';
import { usage } from './usage.ts';

type SilenceInvocation = SilenceAddInvocation | SilenceListInvocation | SilenceExpireInvocation;

/** `maint silence add | list | expire`. @returns the exit code */
export async function silenceCommand(invocation: SilenceInvocation, world: World): Promise<number> {
  switch (invocation.kind) {
    case 'silence-add':
      return add(invocation, world);
    case 'silence-expire':
      return expire(invocation, world);
    case 'silence-list':
    default:
      return list(invocation, world);
  }
}

async function add(invocation: SilenceAddInvocation, world: World): Promise<number> {
  const { match, forMs, reason, untilResolved, common, format } = invocation;
  for (const condition of match) parseMatcher(condition);
  if (forMs > LONGEST_SILENCE_MS)
    throw usage('a silence may last 30 days at most', 'Mend the check, or change its class under alerts.checks.');
  const now = world.now();
  const silence: Silence = {
    id: randomBytes(4).toString('hex'),
    match: match.map(said),
    by: speaker(invocation.by, world),
    reason: said(reason),
    at: now.toISOString(),
    until: new Date(now.getTime() + forMs).toISOString(),
    untilResolved,
    kept: [],
    count: 0,
    matchedAt: null,
    endedAt: null,
  };
  await answerAlerts(common, world, ({ store }) => store.saveSilences([...store.silences(), silence]));
  const end = untilResolved ? ', or until it is over' : '';
  const text = `${silence.id}: ${silence.match.join(' and ')} is silent for ${formatDuration(forMs)}${end}; checks run on\n`;
  world.stdout.write(
    format === 'json' ? `${JSON.stringify({ format: 1, silence })}\n` : printable(text.trimEnd()) + '\n',
  );
  return 0;
}

async function expire({ id, common, format }: SilenceExpireInvocation, world: World): Promise<number> {
  const now = world.now();
  const ended = await answerAlerts(common, world, ({ store }) => {
    const silences = store.silences();
    const silence = pickById(
      silences.filter((each) => isOn(each, now)),
      id,
      (each) => each.id,
    );
    const next = { ...silence, endedAt: now.toISOString() };
    store.saveSilences(silences.map((each) => (each.id === silence.id ? next : each)));
    return next;
  });
  const text = `${ended.id} has ended; what is still there is told with the next run\n`;
  world.stdout.write(format === 'json' ? `${JSON.stringify({ format: 1, silence: ended })}\n` : text);
  return 0;
}

async function list({ isStale: onlyStale, common, format }: SilenceListInvocation, world: World): Promise<number> {
  const now = world.now();
  return lookAtAlerts(common, world, ({ store }) => {
    const silences = store
      .silences()
      .filter((silence) => (onlyStale ? isStale(silence, now) : isOn(silence, now)))
      .map((silence) => ({ ...silence, isStale: isStale(silence, now) }));
    const text =
      silences.length === 0 ? 'nothing is silent\n' : silences.map((each) => `${line(each, now)}\n`).join('');
    world.stdout.write(format === 'json' ? `${JSON.stringify({ format: 1, silences })}\n` : text);
    return 0;
  });
}

function line(silence: Silence & { readonly isStale: boolean }, now: Date): string {
  const { id, match, by, reason, until, untilResolved, count, isStale: stale } = silence;
  const left = formatDuration(Math.max(0, Date.parse(until) - now.getTime()));
  const end = `${left} left${untilResolved ? ', or until it is over' : ''}`;
  const kept = `kept ${plural(count, 'alarm')} from being told`;
  const note = stale ? `; it has matched nothing for a week: \`maint silence expire ${id}\`` : '';
  return printable(`${id}  ${match.join(' and ')}  ${end}, by ${by}: ${reason}; ${kept}${note}`);
}
