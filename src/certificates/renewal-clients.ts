import { join } from 'node:path';
import { isVisible, namesIn } from '../adapters/scheduled-text.ts';

/** A program that renews certificates on this host by itself, if something starts it. */
export interface RenewalClient {
  readonly name: string;
  /** Units of systemd that start it, by how packages name them. */
  readonly units: readonly string[];
  /** How cron is told to start it; undefined where it renews while it runs. */
  readonly cronLine: RegExp | undefined;
  /** The command that sees to it that it is started. */
  readonly enable: string;
  /** The command that tries a renewal. */
  readonly rehearse: string;
  /** Is it in charge of certificates here? */
  isInCharge(root: string): Promise<boolean>;
}

/** @see https://eff-certbot.readthedocs.io/en/stable/using.html#setting-up-automated-renewal */
const certbot: RenewalClient = {
  name: 'certbot',
  units: ['certbot.timer', 'certbot-renew.timer', 'snap.certbot.renew.timer'],
  cronLine: /\bcertbot\b.*\brenew\b/,
  enable: 'sudo systemctl enable --now certbot.timer',
  rehearse: 'sudo certbot renew --dry-run',
  isInCharge: async (root) =>
    (await namesIn(join(root, 'etc/letsencrypt/renewal'))).some((name) => name.endsWith('.conf')),
};

/** @see https://github.com/acmesh-official/acme.sh/wiki/How-to-install */
const acmeSh: RenewalClient = {
  name: 'acme.sh',
  units: ['acme.sh.timer', 'acme_letsencrypt.timer'],
  cronLine: /\bacme\.sh\b.*--cron\b/,
  enable: 'sudo ~/.acme.sh/acme.sh --install-cronjob',
  rehearse: 'sudo ~/.acme.sh/acme.sh --cron',
  isInCharge: async (root) => isVisible(join(root, 'root/.acme.sh/account.conf')),
};

/** @see https://go-acme.github.io/lego/usage/cli/renew-a-certificate/ */
const lego: RenewalClient = {
  name: 'lego',
  units: ['lego.timer', 'lego-renew.timer'],
  cronLine: /\blego\b.*\brenew\b/,
  enable: 'sudo systemctl enable --now lego.timer # or a line of cron with: lego … renew',
  rehearse: 'systemctl status lego.service',
  isInCharge: async (root) => {
    const folders = ['etc/lego/certificates', 'var/lib/lego/certificates', 'root/.lego/certificates'];
    return (await Promise.all(folders.map(async (folder) => isVisible(join(root, folder))))).includes(true);
  },
};

/** @see https://caddyserver.com/docs/automatic-https */
const caddy: RenewalClient = {
  name: 'caddy',
  units: ['caddy.service'],
  cronLine: undefined,
  enable: 'sudo systemctl enable --now caddy.service',
  rehearse: 'journalctl -u caddy --since "2 days ago" | grep -i -e renew -e certificate',
  isInCharge: async (root) => isVisible(join(root, 'var/lib/caddy/.local/share/caddy/certificates')),
};

/** Those that have certificates on this host, as far as maint may see. */
export async function renewalClients(root: string): Promise<readonly RenewalClient[]> {
  const all = [certbot, acmeSh, lego, caddy];
  const inCharge = await Promise.all(all.map(async (client) => client.isInCharge(root)));
  return all.filter((_, index) => inCharge[index]);
}
