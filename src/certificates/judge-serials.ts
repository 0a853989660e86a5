import type { Certificate } from './certificate.ts';
import type { Finding } from './finding.ts';

/**
 * An authority gives each number once: two certificates of one issuer with the same number confuse revocation, and some
 * clients refuse both.
 * @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.2
 */
export function judgeSerials(certificates: readonly Certificate[]): readonly Finding[] {
  const byNumber = Map.groupBy(certificates, ({ issuer, serial }) => `${serial} of ${issuer}`);
  return [...byNumber]
    .filter(([, same]) => new Set(same.map(({ fingerprint }) => fingerprint)).size > 1)
    .map(([number, same]) => ({
      grade: 'warn',
      detail: 'certificate.duplicate_serial',
      message: `two certificates have the serial number ${number}: ${[...new Set(same.map(({ name }) => name))].join(', ')}`,
      remedy: ['Have all but one of them issued again; an authority of your own must count, or draw, its numbers.'],
    }));
}
