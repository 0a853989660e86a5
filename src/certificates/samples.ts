import type { Sample } from '../engine/sample.ts';
import type { Certificate } from './certificate.ts';
import { lifeAt } from './life.ts';

/**
 * How long the certificate that ends first still lives.
 * @param chains leaf first; roots above it, which are trusted for themselves, do not count
 */
export function lifeSamples(
  subject: string,
  chains: readonly (readonly Certificate[])[],
  now: Date,
): readonly Sample[] {
  const mortal = chains.flatMap((chain) => chain.filter(({ isSelfSigned }, index) => index === 0 || !isSelfSigned));
  const [first] = mortal.toSorted((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
  if (first === undefined) return [];
  const { leftMs, leftShare } = lifeAt(first, now);
  return [
    { name: 'certificate.left', subject, value: leftMs / 1_000, unit: 'seconds' },
    { name: 'certificate.left_share', subject, value: leftShare, unit: 'ratio' },
  ];
}
