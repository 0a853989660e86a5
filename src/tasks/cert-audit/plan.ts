import { MaintError } from '../../base/errors.ts';
import { auditCoverage } from '../../certificates/audit-coverage.ts';
import { auditFile, filesToAudit } from '../../certificates/audit-file.ts';
import { auditHost } from '../../certificates/audit-host.ts';
import { auditKey, keysToAudit } from '../../certificates/audit-key.ts';
import { auditRenewal } from '../../certificates/audit-renewal.ts';
import { renewalClients } from '../../certificates/renewal-clients.ts';
import { auditToken } from '../../certificates/audit-token.ts';
import { databaseHost, hostTitle, type Host } from '../../certificates/host-settings.ts';
import type { Concern } from '../../engine/concern.ts';
import { skip, warn } from '../../engine/outcome.ts';
import type { PlanContext, Step } from '../../engine/task.ts';
import type { CertAuditSettings } from '../cert-audit.ts';

/** What `cert-audit` would do, as steps. Loaded only where it is asked for: it brings its whole trade. */
export async function planCertAudit(context: PlanContext<CertAuditSettings>): Promise<readonly Step[]> {
  const { hosts, files, groupKeys, postgres, renewal, tokens, ignoreHosts } = context.settings;
  const { httpsPlaces: places = [] } = context;
  const steps = [
    ...hosts.map((host) => hostStep(host, context)),
    ...(postgres ? databaseSteps(hosts, context) : []),
    ...(await fileSteps(files, groupKeys)),
    ...(renewal ? await renewalSteps() : []),
    ...tokens.map((token): Step => ({
      title: `token ${token.name}`,
      perform: async (step) => auditToken(token, step.now()),
    })),
    ...(places.length === 0
      ? []
      : [{ title: 'https hosts', perform: async () => auditCoverage({ places, hosts, ignore: ignoreHosts }) }]),
  ];
  return (steps.length > 0 ? steps : [NOTHING]).map((step) => ({ ...step, concern: CONCERN }));
}

const CONCERN: Concern = {
  check: 'certificates',
  dimension: 'certificates',
  alertClass: 'ticket',
  impact: 'from the day it expires on, clients refuse the server or are refused',
};

const NOTHING: Step = {
  title: 'inventory',
  perform: async () => skip('nothing to audit: name hosts, files, tokens or postgres under tasks.cert-audit'),
};

function hostStep(
  host: Host,
  { settings: { timeout, groupKeys } }: Pick<PlanContext<CertAuditSettings>, 'settings'>,
): Step {
  return {
    title: hostTitle(host),
    intent: [`shake hands with ${host.host} and look at its certificates`],
    perform: (step) => auditHost(host, { signal: step.signal, now: () => step.now(), timeoutMs: timeout, groupKeys }),
  };
}

const DATABASE_TITLE = 'postgres of the database';

/** None where the same server is named under `hosts`, with more to say about it. */
function databaseSteps(hosts: readonly Host[], context: PlanContext<CertAuditSettings>): readonly Step[] {
  const { address } = context.database;
  if (address === undefined) return [{ title: DATABASE_TITLE, perform: () => Promise.reject(noDatabase()) }];
  const host = databaseHost(address);
  if (host === undefined)
    return [
      {
        title: DATABASE_TITLE,
        perform: async () => skip('the database is reached over a Unix socket, where no certificate is used'),
      },
    ];
  return hosts.some((each) => hostTitle(each) === hostTitle(host)) ? [] : [hostStep(host, context)];
}

/** Where nothing renews certificates by itself there is nothing to look at: whoever does it by hand says so in `renew`. */
async function renewalSteps(): Promise<readonly Step[]> {
  const clients = await renewalClients(ROOT);
  return clients.map((client) => ({
    title: `renewal ${client.name}`,
    perform: ({ signal }) => auditRenewal(client, { root: ROOT, systemctl: 'systemctl', signal }),
  }));
}

const ROOT = '/';

function noDatabase(): MaintError {
  return new MaintError('CONFIG_NOT_FOUND', 'tasks.cert-audit.postgres is on, but no database is named');
}

/** Several settings may lead to one file; a path that cannot be looked into becomes a step that says so. */
async function fileSteps(paths: readonly string[], groupKeys: boolean): Promise<readonly Step[]> {
  const steps = await Promise.all(paths.map(async (path) => stepsBelow(path, groupKeys)));
  return [...new Map(steps.flat().map((step) => [step.title, step])).values()];
}

async function stepsBelow(path: string, groupKeys: boolean): Promise<readonly Step[]> {
  try {
    const found = await filesToAudit(path);
    const keys = (await keysToAudit(path)).map((key): Step => ({
      title: `key ${key.path}`,
      perform: async () => auditKey(key, groupKeys),
    }));
    if (found.length === 0) return [emptyStep(path), ...keys];
    const certificates = found.map((file): Step => ({
      title: `file ${file}`,
      perform: async (step) => auditFile(file, step.now()),
    }));
    return [...certificates, ...keys];
  } catch (error) {
    if (!(error instanceof MaintError)) throw error;
    return [{ title: `file ${path}`, perform: () => Promise.reject(error) }];
  }
}

function emptyStep(path: string): Step {
  return {
    title: `file ${path}`,
    perform: async () =>
      warn(`no certificate lies in ${path}`, [
        'Correct `files` in the configuration, or take the directory out of it.',
      ]),
  };
}
