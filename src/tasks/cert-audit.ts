import { z } from 'zod';
import { MaintError } from '../base/errors.ts';
import { durationSetting } from '../base/settings.ts';
import { auditCoverage } from '../certificates/audit-coverage.ts';
import { auditFile, filesToAudit } from '../certificates/audit-file.ts';
import { auditHost } from '../certificates/audit-host.ts';
import { auditToken, tokensSetting } from '../certificates/audit-token.ts';
import { databaseHost, hostTitle, hostsSetting, type Host } from '../certificates/host-settings.ts';
import type { Concern } from '../engine/concern.ts';
import { skip, warn } from '../engine/outcome.ts';
import { defineTask, type PlanContext, type Step } from '../engine/task.ts';

const settings = z.strictObject({
  hosts: hostsSetting.prefault([]).describe('Servers whose certificates to look at, at every address they have'),
  files: z.array(z.string().min(1)).default([]).describe('PEM files, and directories with PEM files two levels down'),
  postgres: z
    .boolean()
    .default(false)
    .describe("Whether to look at the certificate of the configured database's server too"),
  tokens: tokensSetting.prefault([]).describe('Tokens, API keys and whatever else ends on a known day'),
  ignoreHosts: z
    .array(z.string().min(1))
    .default([])
    .describe('Hosts that the configuration names by https and whose certificates need not be looked at'),
  timeout: durationSetting.prefault('10s').describe('How long looking up a name, and each handshake, may take'),
});
type Settings = z.infer<typeof settings>;

/** Makes the whole inventory of what expires: certificates that are served, those on disk, and tokens. */
export const certAudit = defineTask<Settings>({
  name: 'cert-audit',
  summary: 'Look at every certificate and token that will expire',
  tier: 'monthly',
  effect: 'reads',
  withoutDatabase: true,
  onFailure: 'continue',
  deadlineMs: 2 * 60_000,
  settings,
  examples: [
    { command: 'maint cert-audit', summary: 'what expires when, and is what was renewed also served?' },
    { command: 'maint cert-audit --json', summary: 'the whole inventory as one JSON document' },
  ],

  async plan(context) {
    const { hosts, files, postgres, tokens, ignoreHosts } = context.settings;
    const { httpsPlaces: places = [] } = context;
    const steps = [
      ...hosts.map((host) => hostStep(host, context)),
      ...(postgres ? databaseSteps(hosts, context) : []),
      ...(await fileSteps(files)),
      ...tokens.map((token): Step => ({
        title: `token ${token.name}`,
        perform: async (step) => auditToken(token, step.now()),
      })),
      ...(places.length === 0
        ? []
        : [{ title: 'https hosts', perform: async () => auditCoverage({ places, hosts, ignore: ignoreHosts }) }]),
    ];
    return (steps.length > 0 ? steps : [NOTHING]).map((step) => ({ ...step, concern: CONCERN }));
  },
});

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

function hostStep(host: Host, { settings: { timeout } }: Pick<PlanContext<Settings>, 'settings'>): Step {
  return {
    title: hostTitle(host),
    intent: [`shake hands with ${host.host} and look at its certificates`],
    perform: (step) => auditHost(host, { signal: step.signal, now: () => step.now(), timeoutMs: timeout }),
  };
}

const DATABASE_TITLE = 'postgres of the database';

/** None where the same server is named under `hosts`, with more to say about it. */
function databaseSteps(hosts: readonly Host[], context: PlanContext<Settings>): readonly Step[] {
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

function noDatabase(): MaintError {
  return new MaintError('CONFIG_NOT_FOUND', 'tasks.cert-audit.postgres is on, but no database is named');
}

/** Several settings may lead to one file; a path that cannot be looked into becomes a step that says so. */
async function fileSteps(paths: readonly string[]): Promise<readonly Step[]> {
  const steps = await Promise.all(paths.map(stepsBelow));
  return [...new Map(steps.flat().map((step) => [step.title, step])).values()];
}

async function stepsBelow(path: string): Promise<readonly Step[]> {
  try {
    const found = await filesToAudit(path);
    if (found.length === 0) return [emptyStep(path)];
    return found.map((file) => ({ title: `file ${file}`, perform: async (step) => auditFile(file, step.now()) }));
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
