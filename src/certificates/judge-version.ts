import type { OldVersions } from '../adapters/tls.ts';
import type { Finding } from './finding.ts';
import type { Host } from './host-settings.ts';
import type { Chain } from './judge.ts';

/** What a server serves in TLS. */
export interface Served {
  readonly version: string;
  /** Whether it would also take a version that is out of use. */
  readonly old: OldVersions;
  readonly chain: Chain;
}

/** What is said of a server that talks before TLS and then has none. */
export const NO_TLS: Readonly<Record<Exclude<Host['protocol'], 'tls'>, Finding>> = {
  postgres: {
    grade: 'warn',
    detail: 'certificate.no_tls',
    message: 'the server has ssl = off: what is asked and answered crosses the network readable for anyone',
    remedy: [
      'Put server.crt and server.key where ssl_cert_file and ssl_key_file point.',
      `psql "$DATABASE_URL" -c "ALTER SYSTEM SET ssl = on" -c "SELECT pg_reload_conf()"`,
    ],
  },
  smtp: {
    grade: 'warn',
    detail: 'certificate.no_tls',
    message: 'the server offers no STARTTLS: mails and passwords cross the network readable for anyone',
    remedy: [
      'Postfix: postconf -e smtpd_tls_security_level=may smtpd_tls_chain_files=/path/key.pem,/path/fullchain.pem && postfix reload',
    ],
  },
  imap: {
    grade: 'warn',
    detail: 'certificate.no_tls',
    message: 'the server offers no STARTTLS: mails and passwords cross the network readable for anyone',
    remedy: ['Dovecot: set ssl = required with certificate and key, then doveadm reload.'],
  },
};

const NEWER: Readonly<Record<Host['protocol'], string>> = {
  tls: 'nginx: ssl_protocols TLSv1.2 TLSv1.3; Apache: SSLProtocol -all +TLSv1.2 +TLSv1.3; then reload it.',
  postgres: `psql "$DATABASE_URL" -c "ALTER SYSTEM SET ssl_min_protocol_version = 'TLSv1.2'" -c "SELECT pg_reload_conf()"`,
  smtp: "Postfix: postconf -e 'smtpd_tls_protocols=>=TLSv1.2' && postfix reload",
  imap: 'Dovecot: set ssl_min_protocol = TLSv1.2, then doveadm reload.',
};

/**
 * A version that is out of use is a finding, also where a newer one is spoken with whoever asks for it.
 * @see https://www.rfc-editor.org/rfc/rfc8996 which takes TLS 1.0 and 1.1 out of use
 */
export function judgeVersion({ version, old }: Served, protocol: Host['protocol']): readonly Finding[] {
  if (old === 'refused' || old === 'unknown') return [];
  const message =
    version === old
      ? `speaks ${version} at best, which clients no longer accept`
      : `still takes ${old} beside ${version}, although it is out of use for its weaknesses`;
  return [{ grade: 'warn', detail: 'certificate.old_protocol', message, remedy: [NEWER[protocol]] }];
}
