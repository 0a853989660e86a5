import type { MaintError } from '../base/errors.ts';
import { formatCount } from '../base/units.ts';
import { decodeCompanion } from './decode-companion.ts';
import { decode, type Decoded } from './decode.ts';
import { dumpOf, rowsByTarget, type Artifact, type Manifest } from './manifest.ts';
import { libraryOpening } from './opening.ts';
import { compareRows, describeDifferences } from './row-differences.ts';
import { sha256Of } from './stored.ts';
import { finding, type Finding, type Stated, type VerifyRequest } from './verify-request.ts';

/** What reading the artifacts of a backup showed. */
export interface ArtifactVerdict {
  readonly findings: readonly Finding[];
  /** Why no key opened one of them: then only its bytes were looked at. */
  readonly unopened: MaintError | undefined;
}

/** One artifact whose file is there. */
interface Reading {
  readonly artifact: Artifact;
  /** Of its file, as it lies there now. */
  readonly sizeBytes: number;
  readonly stated: Stated;
  /** Stored bytes of the artifacts before it. */
  readonly before: number;
  readonly total: number;
}

/**
 * Reads every artifact once, from front to back: its checksum and, at the level `decode`, what is inside the dump.
 * @throws MaintError when it could not be found out
 */
export async function readArtifacts(
  request: VerifyRequest,
  stated: Stated,
  signal: AbortSignal,
): Promise<ArtifactVerdict> {
  const { artifacts } = stated.manifest;
  const sizes = new Map(stated.files.map(({ name, sizeBytes }) => [name, sizeBytes]));
  const readable = artifacts.flatMap((artifact) => {
    const sizeBytes = sizes.get(artifact.path);
    return sizeBytes === undefined ? [] : [{ artifact, sizeBytes }];
  });
  const total = readable.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const verdicts: ArtifactVerdict[] = [];
  let before = 0;
  for (const { artifact, sizeBytes } of readable) {
    verdicts.push(await readArtifact(request, { artifact, sizeBytes, stated, before, total }, signal));
    before += sizeBytes;
  }
  return {
    findings: verdicts.flatMap(({ findings }) => findings),
    unopened: verdicts.find(({ unopened }) => unopened !== undefined)?.unopened,
  };
}

async function readArtifact(request: VerifyRequest, reading: Reading, signal: AbortSignal): Promise<ArtifactVerdict> {
  const { artifact, stated } = reading;
  if (request.level === 'decode')
    return artifact === dumpOf(stated.manifest)
      ? readDump(request, reading, signal)
      : readCompanion(request, reading, signal);
  const sha256 = await sha256Of(readingOf(request, reading, signal)());
  return { findings: byteFaults(reading, { sha256 }), unopened: undefined };
}

/** Reads the stored bytes, and tells how far it has come. */
function readingOf(
  { store, path, onProgress }: VerifyRequest,
  { artifact, before, total }: Reading,
  signal: AbortSignal,
): () => AsyncIterable<Buffer> {
  return async function* () {
    let bytes = 0;
    for await (const piece of store.read(`${path}/${artifact.path}`, signal)) {
      onProgress(before + (bytes += piece.length), total);
      yield piece;
    }
  };
}

async function readDump(request: VerifyRequest, reading: Reading, signal: AbortSignal): Promise<ArtifactVerdict> {
  const { artifact, stated } = reading;
  const decoded = await decode(
    {
      read: readingOf(request, reading, signal),
      through: await libraryOpening(artifact.codec, request.keys),
      pgRestore: await request.pgRestore(stated.manifest.tools.pgDumpMajor),
      onBytes: ignoreBytes,
    },
    signal,
  );
  return {
    findings: [
      ...byteFaults(reading, decoded),
      ...rowFaults(stated.manifest, decoded),
      ...schemaFaults(reading, decoded),
    ],
    unopened: decoded.unopened,
  };
}

async function readCompanion(request: VerifyRequest, reading: Reading, signal: AbortSignal): Promise<ArtifactVerdict> {
  const { artifact, stated } = reading;
  const read = readingOf(request, reading, signal);
  const decoded = await decodeCompanion({ artifact, manifest: stated.manifest, keys: request.keys, read });
  return { findings: byteFaults(reading, decoded), unopened: decoded.unopened };
}

/** What is wrong with the bytes: at most one finding, for the rest follows from it. */
function byteFaults(
  { artifact: { path, bytes, sha256: written }, sizeBytes, stated: { sums } }: Reading,
  { sha256, fault }: Partial<Pick<Decoded, 'fault'>> & Pick<Decoded, 'sha256'>,
): readonly Finding[] {
  const why = fault === undefined ? '' : ` (${fault})`;
  if (sha256 !== written && sizeBytes < bytes && fault !== undefined)
    return [finding('verify.truncated', `${path} is ${formatCount(bytes - sizeBytes)} bytes too short${why}`)];
  if (sha256 !== written || sha256 !== sums.get(path))
    return [finding('verify.checksum_mismatch', `${path} is not what was written${why}`)];
  return fault === undefined ? [] : [finding('verify.undecodable', `${path} cannot be decoded: ${fault}`)];
}

function rowFaults(manifest: Manifest, { rows }: Decoded): readonly Finding[] {
  if (rows === undefined) return [];
  const differences = compareRows(rowsByTarget(manifest.tables), rows);
  return differences.length === 0 ? [] : [finding('verify.rows_mismatch', describeDifferences(differences))];
}

/** Is every definition in the dump the one that was there when it was taken? */
function schemaFaults({ artifact, stated }: Reading, { schemaSha256 }: Decoded): readonly Finding[] {
  const expected = stated.manifest.schemaSha256;
  if (expected === undefined || schemaSha256 === undefined || schemaSha256 === expected) return [];
  return [
    finding('verify.schema_mismatch', `the definitions in ${artifact.path} are not those that the manifest names`),
  ];
}

function ignoreBytes(): void {}
