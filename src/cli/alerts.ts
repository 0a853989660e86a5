import type { World } from '../base/world.ts';
import type { AlertsInvocation } from './alerts-invocation.ts';

/** `maint alerts …` and `maint silence …`. @returns the exit code */
export async function alertsCommand(invocation: AlertsInvocation, world: World): Promise<number> {
  switch (invocation.kind) {
    case 'alerts-list':
      return (await import('./alerts-list.ts')).alertsListCommand(invocation, world);
    case 'alerts-show':
    case 'alerts-explain':
      return (await import('./alerts-show.ts')).alertsShowCommand(invocation, world);
    case 'alerts-ack':
    case 'alerts-close':
      return (await import('./alerts-answer.ts')).alertsAnswerCommand(invocation, world);
    case 'alerts-stats':
      return (await import('./alerts-stats.ts')).alertsStatsCommand(invocation, world);
    case 'alerts-tune':
      return (await import('./alerts-tune.ts')).alertsTuneCommand(invocation, world);
    case 'silence-add':
    case 'silence-list':
    case 'silence-expire':
    default:
      return (await import('./silence.ts')).silenceCommand(invocation, world);
  }
}
