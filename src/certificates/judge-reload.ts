import type { Certificate } from './certificate.ts';
import type { Finding } from './finding.ts';
import { day, type Remedies } from './judge.ts';

const RELOAD =
  'Let the server load its certificate again: systemctl reload, or SELECT pg_reload_conf() for PostgreSQL.';

/** What lies on disk beside what is served. */
export interface OnDisk {
  readonly path: string;
  /** First certificate of the file. */
  readonly leaf: Certificate;
}

/** Dates have whole seconds, so two made at once are told apart by their end. */
function isNewer(one: Certificate, other: Certificate): boolean {
  const begins = one.notBefore.getTime() - other.notBefore.getTime();
  return begins > 0 || (begins === 0 && one.notAfter > other.notAfter);
}

/** A server that still serves what was replaced on disk expires although everything was renewed. */
export function judgeReload(served: Certificate, { path, leaf }: OnDisk, { reload }: Remedies): readonly Finding[] {
  if (served.fingerprint === leaf.fingerprint) return [];
  const both = `serves the one until ${day(served.notAfter)}, ${path} holds the one until ${day(leaf.notAfter)}`;
  if (isNewer(leaf, served))
    return [
      {
        grade: 'fail',
        detail: 'certificate.not_reloaded',
        message: `renewed, not reloaded: ${both}`,
        remedy: [reload ?? RELOAD],
      },
    ];
  return [
    {
      grade: 'warn',
      detail: 'certificate.other_file',
      message: `served is another certificate than the one on disk: ${both}`,
      remedy: [`Correct \`file\` in the configuration, or find out where the server's certificate comes from.`],
    },
  ];
}
