import type { StoredFile } from '../adapters/store.ts';
import { formatCount } from '../base/units.ts';
import { FILES, isToCome, startOf } from './layout.ts';
import { dumpOf, type Artifact, type Manifest } from './manifest.ts';
import { sha256Of } from './stored.ts';
import { finding, type Finding, type Stated, type VerifyRequest } from './verify-request.ts';

/** What is not there and should be. */
export function fileFaults({ files, manifest }: Pick<Stated, 'files' | 'manifest'>): readonly Finding[] {
  const { artifacts } = manifest;
  return [
    ...(dumpOf(manifest) === undefined ? [finding('verify.missing_file', `${FILES.manifest} names no dump`)] : []),
    ...missingFiles(files, artifacts),
  ];
}

/** Files that do not have the length that they should. Where every byte is read, that says it better. */
export function sizeFaults({ files, manifest }: Pick<Stated, 'files' | 'manifest'>): readonly Finding[] {
  return manifest.artifacts.flatMap((artifact) => sizeFault(artifact, files));
}

/** Files that should be there and are not. */
export function missingFiles(files: readonly StoredFile[], artifacts: readonly Artifact[]): readonly Finding[] {
  const names = files.map(({ name }) => name);
  return filesOf(artifacts)
    .filter((name) => !names.includes(name))
    .map((name) => finding('verify.missing_file', `${name} is missing`));
}

/** Files that should not be there. */
export function extraFiles({ files, manifest }: Pick<Stated, 'files' | 'manifest'>): readonly Finding[] {
  const known = filesOf(manifest.artifacts);
  return files
    .filter(({ name }) => !known.includes(name))
    .map(({ name }) => finding('verify.extra_file', `${name} does not belong to the backup`));
}

function filesOf(artifacts: readonly Artifact[]): readonly string[] {
  return [...artifacts.map(({ path }) => path), ...Object.values(FILES)];
}

function sizeFault({ path, bytes }: Artifact, files: readonly StoredFile[]): readonly Finding[] {
  const sizeBytes = files.find(({ name }) => name === path)?.sizeBytes ?? bytes;
  if (sizeBytes === bytes) return [];
  const differs = `${formatCount(Math.abs(bytes - sizeBytes))} bytes too ${sizeBytes < bytes ? 'short' : 'long'}`;
  return [finding(sizeBytes < bytes ? 'verify.truncated' : 'verify.checksum_mismatch', `${path} is ${differs}`)];
}

/** Manifest and notes against the checksums: they are small, so every level reads them. */
export async function textFaults(
  { store, path }: VerifyRequest,
  { files, sums }: Pick<Stated, 'files' | 'sums'>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const name of [FILES.manifest, FILES.notes]) {
    if (!files.some((file) => file.name === name)) continue;
    if ((await sha256Of(store.read(`${path}/${name}`, signal))) === sums.get(name)) continue;
    const detail = name === FILES.manifest ? 'verify.manifest_changed' : 'verify.notes_changed';
    findings.push(finding(detail, `${name} is not what ${FILES.sums} says`));
  }
  return findings;
}

/** Is it the backup that it is taken for, and from a time that has been? */
export function identityFaults({ id, label, now }: VerifyRequest, manifest: Manifest): readonly Finding[] {
  const latest = new Date(Math.max(startOf(manifest.id)?.getTime() ?? 0, Date.parse(manifest.snapshot.takenAt)));
  return [
    ...(manifest.id === id ? [] : [finding('verify.wrong_backup', `the manifest belongs to backup ${manifest.id}`)]),
    ...(manifest.label === label ? [] : [finding('verify.wrong_label', `the manifest belongs to ${manifest.label}`)]),
    ...(isToCome(latest, now)
      ? [finding('verify.future_timestamp', `the backup is dated ${latest.toISOString()}, in the future`)]
      : []),
  ];
}
