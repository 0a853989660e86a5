import type { X509Certificate } from 'node:crypto';
import { isSelfSigned, isSignedBy } from './certificate.ts';

/**
 * Where the way from a leaf upwards ends: at a root that this host trusts, at the leaf itself, at a root that nobody
 * here knows, or nowhere, because the server keeps a link of it to itself.
 */
export type ChainEnd = 'trusted' | 'self-signed' | 'unknown-root' | 'incomplete';

/** The way from a leaf upwards. */
interface Way {
  readonly end: ChainEnd;
  /** Leaf first, each signed by the next, the trusted root last where there is one. */
  readonly links: readonly X509Certificate[];
  /** What was served and leads nowhere, such as a second signature for clients of long ago. */
  readonly spare: readonly X509Certificate[];
}

/**
 * Follows the signatures upwards from the leaf. Dates are judged elsewhere: an expired link is named there.
 * @param served leaf first, the others in any order
 * @param roots what is trusted
 */
export function followChain(served: readonly X509Certificate[], roots: readonly X509Certificate[]): Way {
  const [leaf, ...others] = served;
  const links: X509Certificate[] = [];
  let link = leaf;
  const ended = (end: ChainEnd): Way => ({ end, links, spare: others.filter((each) => !isAmong(each, links)) });
  while (link !== undefined) {
    const here = link;
    links.push(here);
    if (isAmong(here, roots)) return ended('trusted');
    const root = newest(roots.filter((each) => isSignedBy(here, each)));
    if (root !== undefined) links.push(root);
    if (root !== undefined) return ended('trusted');
    if (isSelfSigned(here)) return ended(here === leaf ? 'self-signed' : 'unknown-root');
    link = others.find((each) => !isAmong(each, links) && isSignedBy(here, each));
  }
  return ended('incomplete');
}

function isAmong({ fingerprint256 }: X509Certificate, certificates: readonly X509Certificate[]): boolean {
  return certificates.some((each) => each.fingerprint256 === fingerprint256);
}

/** A root that was renewed with its key is in the store twice. */
function newest(roots: readonly X509Certificate[]): X509Certificate | undefined {
  return roots.toSorted((a, b) => b.validToDate.getTime() - a.validToDate.getTime())[0];
}
