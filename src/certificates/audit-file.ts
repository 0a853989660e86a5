import { certificateFilesAt, readCertificateFile } from '../adapters/certificate-files.ts';
import type { Outcome } from '../engine/outcome.ts';
import { certificateFacts, readCertificate } from './certificate.ts';
import { outcomeOf, type Finding } from './finding.ts';
import { describeLife, judgeChain } from './judge.ts';
import { shellPath } from './judge-key.ts';
import { lifeSamples } from './samples.ts';

/**
 * The files to look at below a path. Of files in a directory that hold the same certificates, as cert.pem, chain.pem and
 * fullchain.pem do, only the fullest is named; those without any, such as keys, are passed over.
 * @throws MaintError FILE_UNUSABLE when the path is not there or cannot be read
 */
export async function filesToAudit(path: string): Promise<readonly string[]> {
  const paths = await certificateFilesAt(path);
  if (paths.length === 1 && paths[0] === path) return paths;
  const files = await Promise.all(
    paths.map(async (path) => {
      const certificates = await readCertificateFile(path);
      return { path, prints: new Set(certificates.map(({ fingerprint256 }) => fingerprint256)) };
    }),
  );
  const fullestFirst = files.filter(({ prints }) => prints.size > 0).toSorted((a, b) => b.prints.size - a.prints.size);
  return fullestFirst
    .filter(({ prints }, index) => !fullestFirst.slice(0, index).some((fuller) => prints.isSubsetOf(fuller.prints)))
    .map(({ path }) => path)
    .toSorted();
}

/**
 * Judges every certificate of a file by its dates, key and signature. Whether it is trusted depends on who serves it.
 * @throws MaintError FILE_UNUSABLE when it cannot be read
 */
export async function auditFile(path: string, now: Date): Promise<Outcome> {
  const certificates = (await readCertificateFile(path)).map(readCertificate);
  const [leaf] = certificates;
  const chain = { certificates, spare: [], end: undefined, host: undefined, fitsHost: true, isVerified: true };
  const findings = leaf === undefined ? [EMPTY] : judgeChain(chain, now, { renew: undefined, reload: undefined });
  return outcomeOf({
    findings,
    allWell: leaf === undefined ? '' : `${leaf.name}: ${describeLife(leaf, now)}`,
    look: [`openssl x509 -noout -subject -issuer -dates -in ${shellPath(path)}`],
    facts: { path, chain: certificates.map(certificateFacts) },
    samples: lifeSamples(path, [certificates], now),
  });
}

const EMPTY: Finding = {
  grade: 'fail',
  detail: 'certificate.none',
  message: 'holds no certificate in PEM',
  remedy: ['Correct `files` in the configuration, or put the certificate there.'],
};
