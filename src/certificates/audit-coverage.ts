import type { Outcome } from '../engine/outcome.ts';
import type { HttpsPlace } from '../engine/task.ts';
import { plural } from '../base/units.ts';
import { outcomeOf, type Finding } from './finding.ts';
import { portOf, type Host } from './host-settings.ts';

/** What is looked at, and what would have to be. */
interface Coverage {
  readonly places: readonly HttpsPlace[];
  readonly hosts: readonly Host[];
  /** Hosts that nobody wants to look at. */
  readonly ignore: readonly string[];
}

/** A host that the project talks to by https and whose certificate nobody looks at fails on a day that nobody knows. */
export function auditCoverage({ places, hosts, ignore }: Coverage): Outcome {
  const asked = places.filter(({ host }) => !ignore.includes(host));
  const covered = new Set(hosts.map((host) => `${host.servername ?? host.host}:${portOf(host)}`));
  const open = asked.filter(({ host, port }) => !covered.has(`${host}:${port}`));
  return outcomeOf({
    findings: open.map(finding),
    allWell: `each of ${plural(asked.length, 'https host')} in the configuration is looked at`,
    look: ['Hosts of others, who renew them themselves, may stand under tasks.cert-audit.ignoreHosts instead.'],
    facts: { uncovered: open.map((place) => ({ ...place })), ignored: ignore },
    samples: [{ name: 'certificate.uncovered', subject: 'configuration', value: open.length, unit: 'count' }],
  });
}

function finding({ where, host, port }: HttpsPlace): Finding {
  const at = port === 443 ? '' : `, port: ${port}`;
  return {
    grade: 'warn',
    detail: 'certificate.uncovered',
    message: `nobody looks at the certificate of ${host}${port === 443 ? '' : `:${port}`}, which ${where} talks to`,
    remedy: [`Add to tasks.cert-audit.hosts: - { host: ${host}${at} }`],
  };
}
