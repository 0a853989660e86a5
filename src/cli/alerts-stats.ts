import { alertStats, type AlertStats } from '../alerts/stats.ts';
import { printable } from '../base/printable.ts';
import { DAY_MS, formatDuration, formatShare, plural } from '../base/units.ts';
import type { World } from '../base/world.ts';
import { lookAtAlerts } from './alerts-desk.ts';
import type { AlertsStatsInvocation } from './alerts-invocation.ts';
import { definitions } from './layout.ts';

const REMEMBERED_MS = 30 * DAY_MS;

/** `maint alerts stats`: were they worth it? @returns 1 when more than half of at least five needed no action */
export async function alertsStatsCommand(invocation: AlertsStatsInvocation, world: World): Promise<number> {
  const { sinceMs, common, format } = invocation;
  return lookAtAlerts(common, world, ({ store, policy }) => {
    const now = world.now();
    const since = new Date(now.getTime() - sinceMs);
    const events = store.history(new Date(now.getTime() - Math.max(sinceMs, REMEMBERED_MS)));
    const stats = alertStats(events, { since, now, policy });
    const text = `alerts of the last ${formatDuration(sinceMs)}\n${linesOf(stats, world.stdout.columns).join('\n')}\n`;
    world.stdout.write(
      format === 'json' ? `${JSON.stringify({ format: 1, since: since.toISOString(), ...stats })}\n` : text,
    );
    return stats.isTiring ? 1 : 0;
  });
}

function linesOf(stats: AlertStats, columns: number): readonly string[] {
  const { byClass, noActionRate, medianAckMs, medianResolveMs, noisy, silencedOften, isTiring } = stats;
  const time = (ms: number | null): string => (ms === null ? 'nothing to tell from' : formatDuration(ms));
  const list = (counts: AlertStats['noisy']): string =>
    counts.map(({ task, step, count }) => `${printable(`${task}, ${step}`)} ${count}×`).join('; ');
  const items: readonly (readonly [string, string])[] = [
    ['fired', `${stats.fired}: ${byClass.page} page, ${byClass.ticket} ticket, ${byClass.report} report`],
    ['needed action', `${stats.action}`],
    ['needed none', `${stats.noAction}, and ${plural(stats.falsePositive, 'false positive')}`],
    ['not closed', `${stats.unlabelled}, of which ${stats.selfResolved} ended by themselves`],
    ['no-action rate', noActionRate === null ? 'unknown: close alerts with an outcome' : formatShare(noActionRate)],
    ['median time', `to acknowledge: ${time(medianAckMs)}; to the end: ${time(medianResolveMs)}`],
    ['pages off hours', `${stats.pagesOutsideHours}`],
    ...(noisy.length === 0 ? [] : [['most often', list(noisy)] as const]),
    ...(silencedOften.length === 0 ? [] : [['silenced often', list(silencedOften)] as const]),
  ];
  const [first] = noisy;
  const advice = `Most needed no action, so people will stop reading: \`maint alerts tune <check>\` says what to change${first === undefined ? '' : `, beginning with ${printable(first.step)}`}.`;
  return [...definitions(items, { columns }), ...(isTiring ? [advice] : [])];
}
