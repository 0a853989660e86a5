import type { z } from 'zod';
import type { OwnerSettings } from '../alerts/owner-settings.ts';
import type { AlertSettings } from '../alerts/settings.ts';
import { suggest } from '../base/suggest.ts';
import { checks } from '../health/checks.ts';
import type { Path } from './tree.ts';

/** What has to fit together so that an alarm finds someone who can act. */
interface Alerting {
  readonly alerts: AlertSettings;
  readonly owners: OwnerSettings;
  readonly tasks: Readonly<Record<string, unknown>>;
}

/** Checks that are no task of their own and not of the task health. */
const OTHER_CHECKS: readonly string[] = ['alerting', 'certificates'];

type Objecting = (path: Path, message: string, suggestion?: string) => void;

/** An alarm with nobody to go to, nobody to act, or nothing to go by is found out now and not at night. */
export function requireSoundAlerts({ alerts, owners, tasks }: Alerting, context: z.RefinementCtx): void {
  const object: Objecting = (path, message, suggestion) =>
    context.addIssue({ code: 'custom', path: [...path], message, params: { suggestion } });
  const require = lookUp(object);
  const channels = alerts.channels.map(({ name }) => name);
  const people = Object.keys(owners);
  const known = [...checks.map(({ id }) => id), ...OTHER_CHECKS, ...Object.keys(tasks)];

  for (const [path, name] of channelsIn(alerts)) require({ what: 'channel', known: channels }, path, name);
  for (const [path, name] of ownersIn(alerts, owners)) require({ what: 'owner', known: people }, path, name);
  for (const name of Object.keys(alerts.checks)) require({ what: 'check', known }, ['alerts', 'checks', name], name);
  if (alerts.routes !== undefined && channels.length === 0)
    object(['alerts', 'channels'], 'missing; the routes have no channel to go to');
  if ((alerts.routes !== undefined || people.length > 0) && alerts.owner === undefined)
    object(['alerts', 'owner'], 'missing; with routes or owners every check needs an owner: name one of owners');
  for (const [name, { class: alertClass, runbook }] of Object.entries(alerts.checks))
    if (alertClass === 'page' && runbook === undefined && Object.hasOwn(tasks, name))
      object(['alerts', 'checks', name, 'runbook'], `missing; a page about ${name} must say where its runbook is`);
}

interface Known {
  readonly what: string;
  readonly known: readonly string[];
}

function lookUp(object: Objecting) {
  return ({ what, known }: Known, path: Path, name: string): void => {
    if (known.includes(name)) return;
    const meant = suggest(name, known);
    const all = known.length === 0 ? 'none is configured' : `known are ${known.join(', ')}`;
    object(path, meant === undefined ? `there is no such ${what}; ${all}` : `there is no such ${what}`, meant);
  };
}

function channelsIn({ routes, canary }: AlertSettings): readonly (readonly [Path, string])[] {
  const quiet = canary.except.map((name, index) => [['alerts', 'canary', 'except', index], name] as const);
  if (routes === undefined) return quiet;
  const routed = (['page', 'ticket'] as const).flatMap((name) => {
    const { channels = [], fallback, escalate } = routes[name];
    const at = ['alerts', 'routes', name];
    return [
      ...channels.map((channel, index) => [[...at, 'channels', index], channel] as const),
      ...fallback.map((channel, index) => [[...at, 'fallback', index], channel] as const),
      ...escalate.flatMap(({ to }, step) =>
        to.map((channel, index) => [[...at, 'escalate', step, 'to', index], channel] as const),
      ),
    ];
  });
  return [...quiet, ...routed];
}

function ownersIn({ owner, checks }: AlertSettings, owners: OwnerSettings): readonly (readonly [Path, string])[] {
  const named: readonly (readonly [Path, string | undefined])[] = [
    [['alerts', 'owner'], owner],
    ...Object.entries(checks).map(([name, rule]) => [['alerts', 'checks', name, 'owner'], rule.owner] as const),
    ...Object.entries(owners).map(([name, { backup }]) => [['owners', name, 'backup'], backup] as const),
  ];
  return named.flatMap(([path, name]) => (name === undefined ? [] : [[path, name] as const]));
}
