import { z } from 'zod';
import { durationSetting } from '../base/settings.ts';
import { tokensSetting } from '../certificates/audit-token.ts';
import { hostsSetting } from '../certificates/host-settings.ts';
import { defineTask } from '../engine/task.ts';

const settings = z.strictObject({
  hosts: hostsSetting.prefault([]).describe('Servers whose certificates to look at, at every address they have'),
  files: z.array(z.string().min(1)).default([]).describe('PEM files, and directories with PEM files two levels down'),
  groupKeys: z
    .boolean()
    .default(false)
    .describe('Whether a group may read private keys, as ssl-cert of Debian does; everybody never may'),
  postgres: z
    .boolean()
    .default(false)
    .describe("Whether to look at the certificate of the configured database's server too"),
  renewal: z
    .boolean()
    .default(true)
    .describe(
      'Whether to look if something starts what renews certificates on this host: certbot, acme.sh, lego, Caddy',
    ),
  tokens: tokensSetting.prefault([]).describe('Tokens, API keys and whatever else ends on a known day'),
  ignoreHosts: z
    .array(z.string().min(1))
    .default([])
    .describe('Hosts that the configuration names by https and whose certificates need not be looked at'),
  timeout: durationSetting.prefault('10s').describe('How long looking up a name, and each handshake, may take'),
});
export type CertAuditSettings = z.infer<typeof settings>;

/** Makes the whole inventory of what expires: certificates that are served, those on disk, and tokens. */
export const certAudit = defineTask<CertAuditSettings>({
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

  plan: async (context) => (await import('./cert-audit/plan.ts')).planCertAudit(context),
});
