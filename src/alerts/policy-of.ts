import type { OwnerSettings } from './owner-settings.ts';
import type { AlertPolicy, CheckRule, Mute, Owner, Route } from './policy.ts';
import type { AlertSettings } from './settings.ts';

/** What policies are made of. */
interface PolicyParts {
  readonly settings: AlertSettings;
  readonly owners: OwnerSettings;
  /** Silences and windows that are on now. */
  readonly mutes: readonly Mute[];
}

/** Puts the settings and what is silent now into the words of decisions. */
export function policyOf({ settings, owners, mutes }: PolicyParts): AlertPolicy {
  const { on, flapping, owner = null } = settings;
  return {
    on,
    flapping,
    routes: routesOf(settings, owners),
    owner,
    owners: Object.fromEntries(Object.entries(owners).map(([name, each]) => [name, ownerOf(each)])),
    checks: Object.fromEntries(Object.entries(settings.checks).map(([name, rule]) => [name, ruleOf(rule)])),
    mutes,
  };
}

/** Without routes and owners everything goes to every channel at once. */
function routesOf({ routes, repeatAfter }: AlertSettings, owners: OwnerSettings): AlertPolicy['routes'] {
  if (routes === undefined) {
    const isHeld = Object.keys(owners).length > 0;
    const plain: Route = { ...PLAIN, repeatAfterMs: repeatAfter };
    return isHeld
      ? { page: { ...plain, name: 'page' }, ticket: { ...plain, name: 'ticket', isHeld } }
      : { page: plain, ticket: plain };
  }
  const { page, ticket } = routes;
  return {
    page: { ...PLAIN, name: 'page', ...shared(page) },
    ticket: { ...PLAIN, name: 'ticket', ...shared(ticket), isHeld: ticket.hours === 'owner', isDigest: ticket.digest },
  };
}

const PLAIN: Omit<Route, 'repeatAfterMs'> = {
  name: '',
  channels: 'all',
  fallback: [],
  need: { hits: 1, of: 1 },
  resolveAfter: 1,
  escalate: [],
  isHeld: false,
  isDigest: false,
};

type RouteSettings = NonNullable<AlertSettings['routes']>['page'];

function shared({ channels, fallback, repeatAfter, for: need, resolveAfter, escalate }: RouteSettings) {
  return {
    channels: channels ?? ('all' as const),
    fallback,
    repeatAfterMs: repeatAfter,
    need,
    resolveAfter,
    escalate: escalate.map(({ after, to }) => ({ afterMs: after, to })),
  };
}

function ownerOf({ contact, hours, backup }: OwnerSettings[string]): Owner {
  const reach = backup === undefined ? contact : `${contact}, or ${backup}`;
  return { contact: reach, ...(hours !== undefined && { hours }) };
}

function ruleOf({ class: alertClass, for: need, ...rest }: AlertSettings['checks'][string]): CheckRule {
  return { ...rest, alertClass, need };
}
