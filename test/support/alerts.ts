import { policyOf } from '../../src/alerts/policy-of.ts';
import { ownerSettings } from '../../src/alerts/owner-settings.ts';
import type { AlertPolicy, Mute } from '../../src/alerts/policy.ts';
import { alertSettings } from '../../src/alerts/settings.ts';
import type { AlertState } from '../../src/alerts/state.ts';

/** A policy as these settings make it; without any, everything goes to all at once. */
export async function policyFrom(
  settings: object = {},
  owners: object = {},
  mutes: readonly Mute[] = [],
): Promise<AlertPolicy> {
  return policyOf({
    settings: await alertSettings.parseAsync(settings),
    owners: await ownerSettings.parseAsync(owners),
    mutes,
  });
}

/** A state that lacks nothing: a failure that is there and was told to nobody. */
export function stateOf(differences: Partial<AlertState> = {}): AlertState {
  const at = '2026-11-21T02:00:00.000Z';
  return {
    fingerprint: '0123456789abcdef',
    task: 'health',
    step: 'disk /',
    check: 'disk',
    runbook: 'disk',
    alertClass: 'page',
    severity: 'fail',
    seen: 'fail',
    summary: '99 % full',
    impact: 'on a full disk the database stops',
    remediation: ['df -h /'],
    phase: 'firing',
    ending: null,
    recent: '!',
    lastRun: null,
    seenAt: at,
    firedAt: [at],
    firstSeenAt: at,
    lastToldAt: null,
    alarmedAt: null,
    toldClass: null,
    deliveredTo: [],
    ack: null,
    muted: null,
    flapping: null,
    escalations: 0,
    ...differences,
  };
}
