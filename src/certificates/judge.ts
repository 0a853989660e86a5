import { formatDuration, formatShare } from '../base/units.ts';
import type { Certificate } from './certificate.ts';
import type { Finding } from './finding.ts';
import { lifeAt } from './life.ts';
import type { ChainEnd } from './trust.ts';

/** A chain and what is to be expected of it. */
export interface Chain {
  /** Leaf first, each signed by the next where they were served. */
  readonly certificates: readonly Certificate[];
  /** Served beside them, and needed by nobody whom this host knows: what is wrong with these is a warning. */
  readonly spare: readonly Certificate[];
  /** Undefined where nobody has to trust it: a file on disk. */
  readonly end: ChainEnd | undefined;
  /** The name it must stand for; undefined where any will do. */
  readonly host: string | undefined;
  /** Does the leaf stand for that name? */
  readonly fitsHost: boolean;
  /** False where clients usually do not look at name and issuer, as those of PostgreSQL: then it is a warning. */
  readonly isVerified: boolean;
}

/** What to say about renewing: the words of whoever wrote the configuration, where there are any. */
export interface Remedies {
  readonly renew: string | undefined;
  readonly reload: string | undefined;
}

const RENEW = 'Renew the certificate where it comes from, then let the server load it again.';

/** What to do about a certificate that must be renewed. */
function renewal({ renew, reload }: Remedies): readonly string[] {
  return [renew ?? RENEW, ...(reload === undefined ? [] : [reload])];
}

/** Everything that is wrong with a chain: each element's dates, key and signature, the leaf's name, and who vouches. */
export function judgeChain(chain: Chain, now: Date, remedies: Remedies): readonly Finding[] {
  return [
    ...chain.certificates.flatMap((certificate, index) => [
      ...judgeDates({ certificate, index }, now, remedies),
      ...judgeStrength({ certificate, index }),
    ]),
    ...chain.spare.flatMap((certificate) =>
      judgeDates({ certificate, index: SPARE }, now, remedies).map((finding) => ({
        ...finding,
        grade: 'warn' as const,
      })),
    ),
    ...judgeName(chain),
    ...judgeTrust(chain),
  ];
}

/** The place of a certificate that is no part of the chain. */
const SPARE = -1;

/** A certificate at its place: 0 is the leaf. */
interface Link {
  readonly certificate: Certificate;
  readonly index: number;
}

/** A root is trusted for itself: neither its signature nor how long it still lives says anything. */
function isRoot({ certificate, index }: Link): boolean {
  return index !== 0 && certificate.isSelfSigned;
}

/** How a sentence about this link begins; the leaf is what everything is about. */
function lead(link: Link): string {
  if (link.index === 0) return '';
  const what = link.index === SPARE ? 'needless' : isRoot(link) ? 'root' : 'intermediate';
  return `the ${what} "${link.certificate.name}": `;
}

function judgeDates(link: Link, now: Date, remedies: Remedies): readonly Finding[] {
  const { certificate } = link;
  const { leftMs, grade } = lifeAt(certificate, now);
  const remedy =
    link.index === 0
      ? renewal(remedies)
      : [`Let the server send the current intermediate of the issuer instead of "${certificate.name}".`];
  const found = (detail: string, grade: 'warn' | 'fail', what: string): readonly Finding[] => [
    { grade, detail: `certificate.${detail}`, message: lead(link) + what, remedy },
  ];
  if (leftMs <= 0)
    return found('expired', 'fail', `expired ${formatDuration(-leftMs)} ago, on ${day(certificate.notAfter)}`);
  if (certificate.notBefore > now)
    return found('not_yet_valid', 'fail', `not valid before ${minute(certificate.notBefore)}`);
  if (grade === 'done' || isRoot(link)) return [];
  return found('expires_soon', grade, describeLife(certificate, now));
}

/** `20 days left of 90 days (22 %), until 2026-12-01`. */
export function describeLife(certificate: Certificate, now: Date): string {
  const { leftMs, lifetimeMs, leftShare } = lifeAt(certificate, now);
  const left = `${formatDuration(leftMs)} left of ${formatDuration(lifetimeMs)}`;
  return `${left} (${formatShare(leftShare)}), until ${day(certificate.notAfter)}`;
}

/** The day of an instant, in UTC. */
export function day(instant: Date): string {
  return instant.toISOString().slice(0, 10);
}

function minute(instant: Date): string {
  return `${instant.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Below these a key is within reach of those who would pay for it. @see NIST SP 800-131A */
const LEAST_BITS: Readonly<Record<string, number>> = { rsa: 2_048, 'rsa-pss': 2_048, dsa: 2_048, ec: 256 };

function judgeStrength(link: Link): readonly Finding[] {
  const { keyType, keyBits, signature } = link.certificate;
  const findings: Finding[] = [];
  if (keyBits !== undefined && keyBits < (LEAST_BITS[keyType] ?? 0))
    findings.push({
      grade: 'fail',
      detail: 'certificate.weak_key',
      message: `${lead(link)}small key, ${keyType} with ${keyBits} bits`,
      remedy: ['Make a new key, of rsa with 2048 bits or prime256v1 at least, and have it certified.'],
    });
  if (!isRoot(link) && /^(?:md|sha1)/.test(signature))
    findings.push({
      grade: 'fail',
      detail: 'certificate.weak_signature',
      message: `${lead(link)}signed with ${signature}, which can be forged`,
      remedy: ['Have it issued again with a signature of SHA-256 or better.'],
    });
  return findings;
}

function judgeName({ certificates: [leaf], host, fitsHost, isVerified }: Chain): readonly Finding[] {
  if (leaf === undefined || host === undefined || fitsHost) return [];
  const names = leaf.names.length === 0 ? `none (its subject is "${leaf.subject}")` : shortened(leaf.names);
  return [
    {
      grade: isVerified ? 'fail' : 'warn',
      detail: 'certificate.wrong_host',
      message: `does not stand for ${host}; its names: ${names}`,
      remedy: [`Have a certificate issued with ${host} among its names, or correct the name that clients use.`],
    },
  ];
}

const MOST_NAMES = 5;

function shortened(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return names.slice(0, MOST_NAMES).join(', ') + more;
}

const DISTRUST: Readonly<Record<Exclude<ChainEnd, 'trusted'>, Omit<Finding, 'grade'>>> = {
  'self-signed': {
    detail: 'certificate.self_signed',
    message: 'self-signed: nobody vouches for it',
    remedy: [
      'Have it issued by an authority that clients trust, or name it with `ca` if all of them were told to trust it.',
    ],
  },
  'unknown-root': {
    detail: 'certificate.untrusted',
    message: 'its root is not trusted on this host',
    remedy: ['Name the root with `ca` if it is your own, else have it issued by an authority that clients trust.'],
  },
  incomplete: {
    detail: 'certificate.incomplete',
    message: 'the chain has a gap: the server does not send the certificate of the issuer, and many clients fail',
    remedy: ['Serve the full chain (fullchain.pem), not the leaf alone.'],
  },
};

function judgeTrust({ certificates: [leaf], end, isVerified }: Chain): readonly Finding[] {
  if (leaf === undefined || end === undefined || end === 'trusted') return [];
  const finding = DISTRUST[end];
  const whose = end === 'incomplete' ? `; issued by ${leaf.issuer}` : '';
  return [{ ...finding, message: finding.message + whose, grade: isVerified ? 'fail' : 'warn' }];
}
